import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type StateChange,
  type Task,
  type TaskError,
  TaskErrorSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "./life.ts";
import { after } from "./state-change.ts";

/** Code of a task that had started, and had not ended when its history was about to be forgotten. */
export const HISTORY_EXPIRED = "HISTORY_EXPIRED";

/** Share of the time for which events are kept after which a task that has not ended is ended. */
const LIFETIME = 0.95;

/** How old a task may become, where events are kept for so long. */
export function longestLifeMs(historyMs: number): number {
  return historyMs * LIFETIME;
}

/** Whether a task has no time left to live. A restart does not make it younger, for its spec stays as old as it is. */
export function isTooOld(
  { createTime }: Task,
  { nowMs, historyMs }: { nowMs: number; historyMs: number },
): boolean {
  return createTime !== undefined && nowMs - timestampMs(createTime) >= longestLifeMs(historyMs);
}

/**
 * The end of a task that has outlived its time: the log is about to forget its spec, and without it there is no task.
 * Undefined for one that has ended, or is young enough.
 */
export function outlived(
  task: Task,
  last: StateChange | undefined,
  time: { nowMs: number; historyMs: number },
): StateChange | undefined {
  if (isTerminal(task.state) || !isTooOld(task, time)) return undefined;
  if (!last || last.attempt === 0) return after(last, { state: TaskState.EXPIRED });
  return after(last, { state: TaskState.FAILED, error: cutShort(last, time.nowMs) });
}

function cutShort({ attempt, error }: StateChange, nowMs: number): TaskError {
  const before = error ? `; its last error: ${error.message}` : "";
  return create(TaskErrorSchema, {
    code: HISTORY_EXPIRED,
    message: `had not ended when the log was about to forget it${before}`,
    retryable: false,
    attempt,
    time: timestampFromMs(nowMs),
  });
}
