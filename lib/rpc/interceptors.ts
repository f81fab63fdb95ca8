import type { Interceptor } from "@connectrpc/connect";
import { accessLog } from "./access-log.ts";
import type { DoorOptions } from "./door.ts";
import { guard } from "./guard.ts";
import type { Leaving } from "./leaving.ts";
import { methodsOf } from "./services.ts";
import { translateErrors } from "./translate-errors.ts";
import { requestValidation, validateRequests } from "./validation.ts";

/** What every call passes, from the outside in; the same on both doors. */
export function callInterceptors(
  { log, services, interceptors = [] }: DoorOptions,
  leaving: Leaving,
): Interceptor[] {
  requestValidation.warmUp(methodsOf(services).map(({ method }) => method.input));
  return [
    accessLog(log),
    ...interceptors,
    translateErrors(),
    guard(leaving),
    validateRequests(requestValidation),
  ];
}
