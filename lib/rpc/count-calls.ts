import type { CallObserver } from "./around-calls.ts";
import { endOf } from "./call-code.ts";

export interface EndedCall {
  /** e.g. `millrace.v1.TaskService/GetTask`; `unserved` for whatever is none of ours */
  readonly method: string;
  /** e.g. `OK` or `NOT_FOUND` */
  readonly code: string;
}

/** Calls back with every call that is over, as its caller saw it end. */
export function countCalls(count: (call: EndedCall) => void): CallObserver {
  return ({ method }) => {
    return (error) => count({ method, code: endOf(error) });
  };
}
