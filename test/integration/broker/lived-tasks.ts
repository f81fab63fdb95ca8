import { create } from "@bufbuild/protobuf";
import {
  ProgressSchema,
  StateChangeSchema,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";

export async function begin(broker: Broker, taskId: string, labels = {}): Promise<Fence> {
  const begun = await broker.log.begin(
    taskId,
    create(TaskSpecSchema, { queue: "default", labels }),
  );
  if (!begun) throw new Error("not begun");
  return begun;
}

export async function move(
  broker: Broker,
  fence: Fence,
  state: TaskState,
  attempt = 1,
): Promise<Fence> {
  const appended = await broker.log.append(fence, create(StateChangeSchema, { state, attempt }));
  if (appended.kind !== "stored") throw new Error("someone else was faster");
  return { ...fence, stateSequence: appended.sequence };
}

/** Lives a whole life of some steps. */
export async function live(broker: Broker, begun: Fence, steps: number): Promise<void> {
  let fence = begun;
  for (let step = 1; step <= steps; step += 1) {
    fence = await move(broker, fence, TaskState.RUNNING, step);
    void broker.log.note(fence, {
      case: "progress",
      value: create(ProgressSchema, { attempt: step, current: BigInt(step) }),
    });
  }
  await move(broker, fence, TaskState.SUCCEEDED, steps);
}

/** Begins another run of a task that has ended. */
export async function restart(broker: Broker, ended: Fence): Promise<Fence> {
  const change = create(StateChangeSchema, { state: TaskState.QUEUED, restarts: 1 });
  const begun = await broker.log.beginRun(ended, change);
  if (begun.kind !== "stored") throw new Error("someone else was faster");
  return { ...ended, stateSequence: begun.sequence, epoch: begun.sequence };
}
