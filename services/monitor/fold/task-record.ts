import type { Priority, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Series } from "./series.ts";

/** What the fold remembers of a task that has not ended. Small, for there may be millions. */
export interface TaskRecord {
  readonly id: string;
  /** Its queue and its type. */
  readonly series: Series;
  readonly priority: Priority;
  readonly createdMs: number;
  state: TaskState;
  attempt: number;
  failures: number;
  crashes: number;
  /** When it came to its state. */
  sinceMs: number;
  /** Earliest start of the next attempt; counts in RETRYING. */
  dueMs: number;
}
