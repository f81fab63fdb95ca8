import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { DueTimes } from "./due-times.ts";
import type { TaskRecord } from "./task-record.ts";

const { SCHEDULED, QUEUED, RETRYING } = TaskState;

/** The tasks that wait for a worker, or will when their time has come. */
export class Waiting {
  /** In the order of the log, hence the oldest first. */
  readonly #queued = new Set<TaskRecord>();
  readonly #planned = new DueTimes<TaskRecord>();

  /** To be called whenever the record has changed. */
  place(record: TaskRecord): void {
    const { state } = record;
    // One that is in the set keeps its place.
    if (state === QUEUED) this.#queued.add(record);
    else this.#queued.delete(record);
    if (state === SCHEDULED || state === RETRYING) this.#planned.set(record, record.dueMs);
    else this.#planned.delete(record);
  }

  remove(record: TaskRecord): void {
    this.#queued.delete(record);
    this.#planned.delete(record);
  }

  /** Since when the oldest one waits. One that is scheduled, or to be retried, waits from when it is due. */
  oldestMs(nowMs: number): number | undefined {
    const [queued] = this.#queued;
    const oldestMs = Math.min(
      queued?.sinceMs ?? Number.POSITIVE_INFINITY,
      this.#planned.earliestMs() ?? Number.POSITIVE_INFINITY,
    );
    return oldestMs <= nowMs ? oldestMs : undefined;
  }
}
