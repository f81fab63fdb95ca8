import type { Interceptor } from "@connectrpc/connect";
import { aroundCalls } from "./around-calls.ts";
import { endOf } from "./call-code.ts";

export interface EndedCall {
  /** e.g. `millrace.v1.TaskService/GetTask` */
  readonly method: string;
  /** e.g. `OK` or `NOT_FOUND` */
  readonly code: string;
}

/** Calls back with every call that is over, as its caller saw it end. */
export function countCalls(count: (call: EndedCall) => void): Interceptor {
  return aroundCalls(({ method: { parent, name } }) => (error) => {
    count({ method: `${parent.typeName}/${name}`, code: endOf(error) });
  });
}
