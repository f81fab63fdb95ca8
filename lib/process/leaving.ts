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
