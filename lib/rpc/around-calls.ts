import type { ContextValues, Interceptor } from "@connectrpc/connect";
import { hooked } from "./call-stream.ts";
import { callerOf } from "./caller.ts";

/** What is known of a call when it begins. */
export interface BeginningCall {
  /** e.g. `millrace.v1.TaskService/GetTask`, or UNSERVED */
  readonly method: string;
  readonly peer: string;
}

/** In place of a method that is not served: a caller could invent any number of them. */
export const UNSERVED = "unserved";

/** Called when a call is over: with nothing if it went well, else with what ended it. */
type CallOver = (error?: unknown) => void;

/** Called when a call begins; what it gives back is called when the call, with its streams, is over. */
export type CallObserver = (call: BeginningCall) => CallOver;

/** Tells the observer of every call that gets as far as the interceptors. */
export class ObservedCalls {
  readonly #observe: CallObserver;
  readonly #begun = new WeakSet<ContextValues>();

  constructor(observe: CallObserver) {
    this.#observe = observe;
  }

  readonly interceptor: Interceptor = (next) => async (request) => {
    const { parent, name } = request.method;
    this.#begun.add(request.contextValues);
    const method = `${parent.typeName}/${name}`;
    const over = this.#observe({ method, peer: callerOf(request).peer });
    try {
      const response = await next(request);
      if (response.stream)
        return { ...response, message: hooked(response.message, { onEnd: over }) };
      over();
      return response;
    } catch (error) {
      over(error);
      throw error;
    }
  };

  /** Whether the call with these values was told of. */
  has(values: ContextValues): boolean {
    return this.#begun.has(values);
  }

  /** Tells of a call that was refused before. */
  tellRefused(call: BeginningCall, error: Error): void {
    this.#observe(call)(error);
  }
}

export function observeBoth(first: CallObserver, others: readonly CallObserver[]): CallObserver {
  return (call) => {
    const ends = [first, ...others].map((observe) => observe(call));
    return (error) => {
      for (const over of ends) over(error);
    };
  };
}
