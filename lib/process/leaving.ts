import { endBySignal, onStopSignal } from "./stop-signals.mjs";

/** A signal that aborts when the process is asked to stop. Whoever asks a second time ends it at once. */
export function leavingSignal(): AbortSignal {
  const leaving = new AbortController();
  onStopSignal((signal) => {
    // The system ends also a process that is too busy to hear; but not process 1.
    onStopSignal(process.pid === 1 ? endBySignal : undefined);
    leaving.abort(new Error(`asked to stop by ${signal}`));
  });
  return leaving.signal;
}

/** Calls back when the signal aborts; at once if it has. */
export function onAbort(signal: AbortSignal, callback: () => void): Disposable {
  if (signal.aborted) callback();
  else signal.addEventListener("abort", callback, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", callback) };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
