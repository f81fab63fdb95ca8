import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type StateChange,
  type TaskEvent,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { dueMsOf } from "#lib/task/next-state.ts";
import { epochOf } from "#lib/task/state-change.ts";
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

/** The same from its spec and its last event, which may be the spec; undefined if they are not. */
export function waitingAfter(spec: TaskEvent, last: TaskEvent): WaitingTask | undefined {
  if (spec.facet.case !== "spec" || last.sequence < spec.sequence) return undefined;
  return create(WaitingTaskSchema, {
    taskId: spec.taskId,
    spec: spec.facet.value,
    specSequence: spec.sequence,
    ...(spec.time && { createTime: spec.time }),
    ...(last.facet.case === "state" && { last: last.facet.value, stateSequence: last.sequence }),
  });
}

/** The task as it lies there after one more state change of its run. */
export function entryAfter(
  waiting: WaitingTask,
  last: StateChange,
  stateSequence: number,
): WaitingTask {
  const change = { ...last, epoch: BigInt(fenceOf(waiting).epoch) };
  return create(WaitingTaskSchema, {
    ...waiting,
    last: change,
    stateSequence: BigInt(stateSequence),
  });
}

/** What the next append must find. */
export function fenceOf({ taskId, last, stateSequence, specSequence }: WaitingTask): Fence {
  const at = { stateSequence: Number(stateSequence), specSequence: Number(specSequence) };
  return { taskId, ...at, epoch: epochOf(last, at) };
}

/** Whether two say where the same run of a task waits. */
export function isSameRun(one: WaitingTask, other: WaitingTask): boolean {
  return one.taskId === other.taskId && fenceOf(one).epoch === fenceOf(other).epoch;
}

/**
 * Whether an entry may make way for another one of its task: it is left of an earlier run, or of an attempt that has
 * ended since. That of an attempt that may run must stay, for its worker beats for it.
 */
export function isLeftBehind(entry: WaitingTask, by: WaitingTask): boolean {
  const [old, now] = [fenceOf(entry), fenceOf(by)];
  if (old.epoch !== now.epoch) return old.epoch < now.epoch;
  return by.last?.state === TaskState.RETRYING && old.stateSequence < now.stateSequence;
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
