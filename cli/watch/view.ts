import type { Task, TaskEvent, WaitingReason } from "#gen/millrace/v1/task_pb.ts";

/** Shows a watch to somebody. */
export interface View extends Disposable {
  /** The task as it stood when the watch, or its resumption, began. */
  snapshot(task: Task): void;
  event(event: TaskEvent): void;
  /** Why the one task that is watched waits now; not set: it does not, or nobody knows. */
  waits(reason: WaitingReason | undefined): void;
  /** Something about the watch itself, such as a lost connection. */
  notice(line: string): void;
}
