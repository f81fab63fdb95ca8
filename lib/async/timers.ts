/** The longest that Node's timers can wait, nearly 25 days: one that is to wait longer does not wait at all. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls back after the time, however long it is; not if it is disposed of before. */
export function callLater(ms: number, act: () => void): Disposable {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const nextMs = Math.min(leftMs, MAX_TIMER_MS);
    // biome-ignore lint/plugin: the one place that makes them
    timer = setTimeout(() => (nextMs < leftMs ? wait(leftMs - nextMs) : act()), nextMs);
  };
  wait(ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Aborts after the time, or after nearly 25 days if that is sooner. */
export function timeoutSignal(ms: number): AbortSignal {
  // biome-ignore lint/plugin: the one place that makes them
  return AbortSignal.timeout(Math.min(ms, MAX_TIMER_MS));
}
