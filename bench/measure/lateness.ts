import { type Latency, latencyOf } from "./statistics.ts";

/** How punctual tasks were that had to wait for their moments. */
export interface Lateness {
  /** From a task's moment until its handler began. */
  readonly start: Latency;
  /** From the last task's moment until all had ended. */
  readonly allEndedMs: number;
}

/** All moments, by the tasks' ids where there are many, on the clock of `nowMs`. */
interface Moments {
  readonly dueAtMs: ReadonlyMap<string, number>;
  /** What the system says of when handlers began; a task that is not there is told by the completeness check. */
  readonly startedAtMs: ReadonlyMap<string, number>;
  readonly allEndedAtMs: number;
}

export function latenessOf({ dueAtMs, startedAtMs, allEndedAtMs }: Moments): Lateness {
  const late = [...dueAtMs].flatMap(([id, due]) => {
    const started = startedAtMs.get(id);
    return started === undefined ? [] : [started - due];
  });
  const lastDueAtMs = [...dueAtMs.values()].reduce((last, due) => Math.max(last, due), 0);
  return { start: latencyOf(late), allEndedMs: allEndedAtMs - lastDueAtMs };
}
