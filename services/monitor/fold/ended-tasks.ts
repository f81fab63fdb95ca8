import type { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Series } from "./series.ts";
import { StateCounts } from "./state-counts.ts";

const MINUTE_MS = 60_000;

/**
 * The tasks that have ended, only counted, by the minute of their acceptance: nothing more can happen to them than to
 * be forgotten.
 */
export class EndedTasks {
  readonly #minutes = new Map<number, Map<Series, StateCounts>>();
  #oldest = Number.POSITIVE_INFINITY;

  add(series: Series, state: TaskState, createdMs: number): void {
    const minute = Math.floor(createdMs / MINUTE_MS);
    this.#oldest = Math.min(this.#oldest, minute);
    const counts = this.#minutes.get(minute) ?? new Map<Series, StateCounts>();
    this.#minutes.set(minute, counts);
    const ofSeries = counts.get(series) ?? new StateCounts();
    counts.set(series, ofSeries);
    ofSeries.add(state, 1);
  }

  /** Takes those of before the time out of the counts of their series, by whole minutes. */
  forget(beforeMs: number): void {
    const before = Math.floor(beforeMs / MINUTE_MS);
    for (; this.#oldest < before && this.#minutes.size > 0; this.#oldest += 1) {
      for (const [series, counts] of this.#minutes.get(this.#oldest) ?? []) {
        series.tasks.subtractAll(counts);
      }
      this.#minutes.delete(this.#oldest);
    }
    if (this.#minutes.size === 0) this.#oldest = Number.POSITIVE_INFINITY;
  }
}
