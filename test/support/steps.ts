import { create } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { StateChangeSchema, type TaskSpec, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { deleteTask } from "#lib/task/next-state.ts";
import { after } from "#lib/task/state-change.ts";
import { specOf } from "./broker.ts";

export async function standingOf(broker: Broker, taskId: string): Promise<Standing> {
  return (await broker.log.read(taskId)) ?? expect.unreachable(`${taskId} is not there`);
}

/** A task of which the log has the spec, as it would lie in its queue. */
export async function begun(broker: Broker, taskId: string, spec = specOf()): Promise<WaitingTask> {
  await broker.log.begin(taskId, spec);
  return waitingOf(await standingOf(broker, taskId));
}

/** Takes the task a step on, as whoever may do that; leaves its entry where it is. */
export async function step(
  broker: Broker,
  taskId: string,
  state: TaskState,
  change: Partial<{ attempt: number; workerId: string; failures: number }> = {},
): Promise<void> {
  const { fence, last } = await standingOf(broker, taskId);
  await broker.log.append(fence, after(last ?? create(StateChangeSchema), { state, ...change }));
}

/** Deletes the task and submits another one with its id; what was left of the first one stays where it is. */
export async function usedAgain(
  broker: Broker,
  taskId: string,
  spec: TaskSpec,
): Promise<WaitingTask> {
  const { fence, last } = await standingOf(broker, taskId);
  const marked = await broker.log.append(fence, deleteTask(last ?? expect.unreachable()));
  if (marked.kind === "stored") await broker.log.forget(taskId, marked.sequence);
  return begun(broker, taskId, spec);
}

/** The states of the task's history, each with the number of restarts before it: ["FAILED 0", "QUEUED 1"]. */
export async function livesOf(broker: Broker, taskId: string): Promise<string[]> {
  const { task } = await standingOf(broker, taskId);
  const events = await Array.fromAsync(broker.log.history(taskId, 0n, task.sequence));
  const names = new Map(Object.entries(TaskState).map(([name, state]) => [Number(state), name]));
  return events.flatMap(({ facet }) =>
    facet.case === "state" ? [`${names.get(facet.value.state)} ${facet.value.restarts}`] : [],
  );
}
