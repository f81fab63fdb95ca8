import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { TaskRecord } from "./task-record.ts";

/** The tasks that wait for a worker, or soon will. */
export class Waiting {
  /** In the order of the log, hence the oldest first. */
  readonly #queued = new Set<TaskRecord>();
  readonly #retrying = new Set<TaskRecord>();

  /** To be called whenever the record's state has changed. */
  place(record: TaskRecord): void {
    this.remove(record);
    if (record.state === TaskState.QUEUED) this.#queued.add(record);
    if (record.state === TaskState.RETRYING) this.#retrying.add(record);
  }

  remove(record: TaskRecord): void {
    this.#queued.delete(record);
    this.#retrying.delete(record);
  }

  /** Since when the oldest one waits. A retry waits from when it is due. */
  oldestMs(nowMs: number): number | undefined {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const { sinceMs } of this.#queued) {
      oldestMs = sinceMs;
      break;
    }
    for (const { dueMs } of this.#retrying) oldestMs = Math.min(oldestMs, dueMs);
    return oldestMs <= nowMs ? oldestMs : undefined;
  }
}
