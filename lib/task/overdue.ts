import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type StateChange, TaskErrorSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "./life.ts";
import { after } from "./state-change.ts";
import type { Times } from "./times.ts";

/** Code of a task that outlasted its task_timeout. */
export const TASK_TIMEOUT = "TASK_TIMEOUT";

/**
 * How a task ends that no attempt may be started of any more: it expires if it has never started, and has failed if its
 * deadline has passed. Undefined while it has time.
 */
export function endOverdue(
  last: StateChange | undefined,
  { expireMs, deadlineMs }: Times,
  nowMs: number,
): StateChange | undefined {
  if (last && isTerminal(last.state)) return undefined;
  if (!last?.startTime && expireMs !== undefined && expireMs <= nowMs) {
    return after(last, { state: TaskState.EXPIRED });
  }
  if (deadlineMs !== undefined && deadlineMs <= nowMs) return timedOut(last, nowMs);
  return undefined;
}

function timedOut(last: StateChange | undefined, nowMs: number): StateChange {
  const before = last?.error ? `; its last error: ${last.error.message}` : "";
  return after(last, {
    state: TaskState.FAILED,
    error: create(TaskErrorSchema, {
      code: TASK_TIMEOUT,
      message: `the task did not end before its deadline${before}`,
      retryable: false,
      attempt: last?.attempt ?? 0,
      time: timestampFromMs(nowMs),
    }),
  });
}
