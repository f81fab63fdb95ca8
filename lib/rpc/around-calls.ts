import type { Interceptor } from "@connectrpc/connect";
import { hooked } from "./call-stream.ts";

type Request = Parameters<ReturnType<Interceptor>>[0];

/** Called when a call is over: with nothing if it went well, else with what ended it. */
export type CallOver = (error?: unknown) => void;

/** Calls back when a call begins; what that gives back is called when the call, with its streams, is over. */
export function aroundCalls(begin: (request: Request) => CallOver): Interceptor {
  return (next) => async (request) => {
    const over = begin(request);
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
}
