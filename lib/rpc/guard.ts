import type { Interceptor } from "@connectrpc/connect";
import { CallLife } from "./call-life.ts";
import { callerOf } from "./caller.ts";
import { GuardedStream } from "./guarded-stream.ts";
import type { Leaving } from "./leaving.ts";

const UNARY_DEADLINE_MS = 30_000;

type AnyFn = ReturnType<Interceptor>;
type Request = Parameters<AnyFn>[0];

/**
 * Answers when the caller cancels, when a deadline passes and when the door leaves, even if the handler notices none
 * of it. Unary calls without a deadline get one.
 */
export function guard(leaving: Leaving, unaryDeadlineMs = UNARY_DEADLINE_MS): Interceptor {
  return (next) => (request) => {
    const { signal, stream } = request;
    if (stream) return guarded(next, request, new CallLife([signal, leaving.streams]));
    const timeoutMs = callerOf(request).hasDeadline ? undefined : unaryDeadlineMs;
    return guarded(next, request, new CallLife([signal, leaving.calls], timeoutMs));
  };
}

async function guarded(next: AnyFn, request: Request, life: CallLife): ReturnType<AnyFn> {
  try {
    const response = await untilCut(life, () => next({ ...request, signal: life.signal }));
    if (response.stream) return { ...response, message: new GuardedStream(response.message, life) };
    life.end();
    return response;
  } catch (error) {
    life.end();
    throw life.cut ?? error;
  }
}

/** The work's result, or the reason why the call was cut short, whichever comes first. */
function untilCut<T>(life: CallLife, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    life.onCut(reject);
    if (life.cut === undefined) work().then(resolve, reject);
  });
}
