import { onAbort } from "./abort.ts";
import { callLater } from "./timers.ts";

/** Waits, or returns early when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = callLater(ms, resolve);
  using _aborted = onAbort(signal, resolve);
  await promise;
}
