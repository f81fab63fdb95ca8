import type { Interceptor } from "@connectrpc/connect";
import { accessLog } from "./access-log.ts";
import { ObservedCalls, observeBoth } from "./around-calls.ts";
import type { DoorOptions } from "./door.ts";
import { guard } from "./guard.ts";
import type { Leaving } from "./leaving.ts";
import { methodsOf } from "./services.ts";
import { translateErrors } from "./translate-errors.ts";
import { requestValidation, validateRequests } from "./validation.ts";

/** What calls pass, from the outside in; the same on both doors. */
export interface CallChain {
  /** For every call. */
  readonly all: Interceptor[];
  /** For a call whose request can't be read: it ends like all others. */
  readonly outer: readonly Interceptor[];
  readonly observed: ObservedCalls;
}

export function callChain(
  { log, services, observers = [], interceptors = [] }: DoorOptions,
  leaving: Leaving,
): CallChain {
  requestValidation.warmUp(methodsOf(services).map(({ method }) => method.input));
  const observed = new ObservedCalls(observeBoth(accessLog(log), observers));
  const outer = [observed.interceptor, ...interceptors, translateErrors()];
  return { all: [...outer, guard(leaving), validateRequests(requestValidation)], outer, observed };
}
