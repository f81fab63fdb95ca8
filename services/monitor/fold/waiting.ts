import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { TaskRecord } from "./task-record.ts";

const { SCHEDULED, QUEUED, RETRYING } = TaskState;

/** The tasks that wait for a worker, or will when their time has come. */
export class Waiting {
  /** In the order of the log, hence the oldest first. */
  readonly #queued = new Set<TaskRecord>();
  readonly #planned = new Set<TaskRecord>();

  /** To be called whenever the record has changed. */
  place(record: TaskRecord): void {
    const { state } = record;
    // One that is in the set keeps its place.
    if (state === QUEUED) this.#queued.add(record);
    else this.#queued.delete(record);
    if (state === SCHEDULED || state === RETRYING) this.#planned.add(record);
    else this.#planned.delete(record);
  }

  remove(record: TaskRecord): void {
    this.#queued.delete(record);
    this.#planned.delete(record);
  }

  /** Since when the oldest one waits. One that is scheduled, or to be retried, waits from when it is due. */
  oldestMs(nowMs: number): number | undefined {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const { sinceMs } of this.#queued) {
      oldestMs = sinceMs;
      break;
    }
    for (const { dueMs } of this.#planned) oldestMs = Math.min(oldestMs, dueMs);
    return oldestMs <= nowMs ? oldestMs : undefined;
  }
}
