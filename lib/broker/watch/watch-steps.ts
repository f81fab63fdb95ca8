import type { Task, TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { SequenceUnknown, TaskNotFound } from "#lib/task/errors.ts";
import { isTerminal, isTerminalEvent } from "#lib/task/life.ts";
import type { LogScan } from "../log/log-scan.ts";
import type { TaskLog } from "../log/task-log.ts";
import type { Watcher } from "./watcher.ts";

/** What a watch brings: first the task as it stands, then events. */
export type WatchStep = { case: "snapshot"; value: Task } | { case: "event"; value: TaskEvent };

/** What somebody wants to watch. */
export interface Wanted {
  readonly taskId: string;
  /** Sequence of the last event that they have. */
  readonly afterSequence: bigint;
}

/** Where a watch reads. */
export interface Logs {
  readonly log: TaskLog;
  readonly scan: LogScan;
}

/**
 * The task as it stands, then its history after the sequence, up to the head that the leader has told. Joins without gap
 * or duplicate if the watcher was registered before: what has happened since then waits there, less what was told here.
 * Returns whether the task has ended. A terminal event in the middle does not end the history: the task was started
 * again.
 */
export async function* join(
  { log, scan }: Logs,
  { taskId, afterSequence }: Wanted,
  watcher: Watcher,
): AsyncGenerator<WatchStep, boolean> {
  const standing = await log.read(taskId);
  if (!standing) throw new TaskNotFound(taskId);
  const { task, fence } = standing;
  // What is later than all that was written of the task may have been written of others.
  if (afterSequence > task.sequence) await refuseUnknown(scan, afterSequence);
  yield { case: "snapshot", value: task };
  watcher.skipTo(afterSequence);
  let ended = isTerminal(task.state);
  // What is older than its spec is of a task that had the id before.
  const before = BigInt(fence.specSequence) - 1n;
  const after = afterSequence > before ? afterSequence : before;
  for await (const event of log.history(taskId, after, task.sequence)) {
    if (watcher.left) return true;
    watcher.skipTo(event.sequence);
    if (event.facet.case === "state") ended = isTerminalEvent(event);
    yield { case: "event", value: event };
  }
  watcher.skipTo(task.sequence);
  return ended;
}

/** Nothing can have been seen yet that is later than all. */
async function refuseUnknown(scan: LogScan, sequence: bigint): Promise<void> {
  const newest = await scan.head();
  if (sequence > newest) throw new SequenceUnknown(sequence, newest);
}

/** What the watcher gets, up to the next terminal event. */
export async function* follow(watcher: Watcher): AsyncGenerator<WatchStep> {
  for await (const event of watcher.events()) {
    yield { case: "event", value: event };
    if (isTerminalEvent(event)) return;
  }
}
