import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type StateChange, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { dueMsOf } from "#lib/task/next-state.ts";
import { type Times, timesOf } from "#lib/task/times.ts";
import type { Fence, Standing } from "../log/task-log.ts";

/** The task as it lies in its queue or in the schedule. */
export function waitingOf({ task, last, fence }: Standing): WaitingTask {
  return create(WaitingTaskSchema, {
    taskId: task.id,
    ...(task.spec && { spec: task.spec }),
    ...(task.createTime && { createTime: task.createTime }),
    ...(last && { last }),
    stateSequence: BigInt(fence.stateSequence),
    specSequence: BigInt(fence.specSequence),
  });
}

/** The task as it lies there after one more state change. */
export function entryAfter(
  waiting: WaitingTask,
  last: StateChange,
  stateSequence: number,
): WaitingTask {
  return create(WaitingTaskSchema, { ...waiting, last, stateSequence: BigInt(stateSequence) });
}

/**
 * Whether an entry is of a later life than the task that has ended: it was started again since, or submitted anew. Such
 * an entry is not the ended one's to take away; that of a restart may lie there before the log has it.
 */
export function isOfLaterLife(entry: WaitingTask, ended: WaitingTask): boolean {
  if (entry.specSequence !== ended.specSequence) return entry.specSequence > ended.specSequence;
  return (entry.last?.restarts ?? 0) > (ended.last?.restarts ?? 0);
}

/** What the next append must find. */
export function fenceOf({ taskId, stateSequence, specSequence }: WaitingTask): Fence {
  return {
    taskId,
    stateSequence: Number(stateSequence),
    specSequence: Number(specSequence),
  };
}

/** Its times. A task that has any says when it was accepted; the others don't need it. */
export function timesOfWaiting({ spec, createTime, last }: WaitingTask, nowMs: number): Times {
  const acceptedMs = createTime ? timestampMs(createTime) : nowMs;
  return timesOf(spec ?? create(TaskSpecSchema), acceptedMs, last);
}

/** When a task that is to wait until then comes to its queue: when its next attempt may start, if that is later. */
export function dueAfter(waiting: WaitingTask, atMs: number): Date {
  return new Date(Math.max(atMs, dueMsOf(waiting.last, timesOfWaiting(waiting, atMs))));
}
