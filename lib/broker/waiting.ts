import { create } from "@bufbuild/protobuf";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Fence, Standing } from "./task-log.ts";

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

/** What the next append must find. */
export function fenceOf({ taskId, stateSequence, specSequence }: WaitingTask): Fence {
  return {
    taskId,
    stateSequence: Number(stateSequence),
    specSequence: Number(specSequence),
  };
}
