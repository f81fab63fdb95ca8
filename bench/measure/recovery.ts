/** How a system came back after one of its processes was killed. */
export interface Recovery {
  readonly tasksPerSecondBefore: number;
  /** From the kill until the first second in which enough tasks ended; undefined: there was none. */
  readonly backMs: number | undefined;
  /** The longest time after the kill in which no task ended. */
  readonly longestPauseMs: number;
}

interface Seen {
  /** When each task's caller was told its end. */
  readonly endedAtMs: readonly number[];
  readonly killedAtMs: number;
  /** For how long before the kill the load was on. */
  readonly beforeMs: number;
}

/** Of the rate before. */
const BACK_AT_SHARE = 0.9;
const WINDOW_MS = 1_000;
const STEP_MS = 100;

export function recoveryOf({ endedAtMs, killedAtMs, beforeMs }: Seen): Recovery {
  const endedIn = (fromMs: number, forMs: number) =>
    endedAtMs.filter((at) => at >= fromMs && at < fromMs + forMs).length;
  const rateBefore = endedIn(killedAtMs - beforeMs, beforeMs) / beforeMs;
  const enough = rateBefore * WINDOW_MS * BACK_AT_SHARE;
  const after = endedAtMs.filter((at) => at >= killedAtMs).sort((a, b) => a - b);
  const steps = Math.floor(((after.at(-1) ?? killedAtMs) - killedAtMs) / STEP_MS);
  const backMs = Array.from({ length: steps }, (_, step) => step * STEP_MS).find(
    (passedMs) => endedIn(killedAtMs + passedMs, WINDOW_MS) >= enough,
  );
  const pauses = after.map((at, index) => at - (after[index - 1] ?? killedAtMs));
  return {
    tasksPerSecondBefore: rateBefore * 1_000,
    backMs,
    longestPauseMs: pauses.reduce((longest, pause) => Math.max(longest, pause), 0),
  };
}
