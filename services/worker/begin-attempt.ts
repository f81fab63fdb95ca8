import { create } from "@bufbuild/protobuf";
import type { StateChange } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/delivery.ts";
import type { Fence } from "#lib/broker/task-log.ts";
import { startAttempt } from "#lib/task/next-state.ts";

export interface BeginOptions {
  readonly broker: Broker;
  readonly workerId: string;
  readonly maxCrashes: number;
}

/** An attempt that the log has as the task's newest. */
export interface Begun {
  readonly waiting: WaitingTask;
  /** Its RUNNING, as written. */
  readonly running: StateChange;
  readonly fence: Fence;
}

/**
 * Writes the start of the next attempt down, before the handler runs. Undefined when there is nothing to run: then the
 * delivery has been let go of.
 */
export async function beginAttempt(
  delivery: Delivery,
  found: WaitingTask,
  options: BeginOptions,
): Promise<Begun | undefined> {
  // What the queue brought is mostly still true, and saves a read; the append finds out.
  let waiting: WaitingTask | undefined = found;
  while (waiting) {
    const begun = await tryToBegin(delivery, waiting, options);
    if (begun !== "stale") return begun;
    waiting = await readWaiting(delivery.taskId, options.broker);
  }
  // Deleted, or refused at submit.
  delivery.done();
  return undefined;
}

async function tryToBegin(
  delivery: Delivery,
  waiting: WaitingTask,
  { broker, workerId, maxCrashes }: BeginOptions,
): Promise<Begun | undefined | "stale"> {
  const before = { taskId: waiting.taskId, stateSequence: Number(waiting.stateSequence) };
  const start = startAttempt(waiting.last, { workerId, maxCrashes, nowMs: Date.now() });
  switch (start.kind) {
    case "over":
      delivery.done();
      return undefined;
    case "wait":
      // Its worker died between writing the failure down and planning the next attempt, or the plan is still to come:
      // planning it again does no harm.
      await broker.schedule.plan(waiting, new Date(start.untilMs));
      delivery.done();
      return undefined;
    case "give up": {
      const appended = await broker.log.append(before, start.change);
      if (appended.kind === "conflict") return "stale";
      delivery.done();
      return undefined;
    }
    case "run": {
      const appended = await broker.log.append(before, start.change);
      if (appended.kind === "conflict") return "stale";
      const fence = { taskId: waiting.taskId, stateSequence: appended.sequence };
      return { waiting, running: start.change, fence };
    }
  }
}

/** The task as it would lie in its queue, from the log; undefined if there is no such task. */
export async function readWaiting(
  taskId: string,
  broker: Broker,
): Promise<WaitingTask | undefined> {
  const standing = await broker.log.read(taskId);
  if (!standing) return undefined;
  const { task, last, stateSequence } = standing;
  return create(WaitingTaskSchema, {
    taskId,
    ...(task.spec && { spec: task.spec }),
    ...(last && { last }),
    stateSequence: BigInt(stateSequence),
  });
}
