const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * A signal that aborts when the process is asked to stop. It listens once: whoever asks a second time gets the
 * system's own answer, which is to die at once.
 */
export function leavingSignal(): AbortSignal {
  const leaving = new AbortController();
  const leave = (signal: NodeJS.Signals): void => {
    for (const name of SIGNALS) process.off(name, leave);
    leaving.abort(new Error(`asked to stop by ${signal}`));
  };
  for (const name of SIGNALS) process.on(name, leave);
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
