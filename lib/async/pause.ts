import { onAbort } from "./abort.ts";
import { callLater } from "./timers.ts";

/** Waits about as long, so that those who failed together do not try again together. */
export function pauseAbout(ms: number, signal: AbortSignal): Promise<void> {
  return pause(ms * (0.5 + Math.random()), signal);
}

/** Waits, or returns early when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = callLater(ms, resolve);
  using _aborted = onAbort(signal, resolve);
  await promise;
}
