import type { Task } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { fenceOf, timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { acceptTask, refuseTask } from "#lib/task/next-state.ts";
import { decide } from "./decide.ts";
import { placeOrPlan } from "./place.ts";

export interface Submitted {
  readonly task: Task;
  /** True when an earlier submit had brought it. */
  readonly deduplicated: boolean;
}

/** Puts a task where it has to wait; true if it was not there. */
type Placing = (broker: Broker, waiting: WaitingTask) => Promise<boolean>;

/**
 * Places a task of which only the spec is known: its submit may have died before it placed it, or be about to take it
 * back. So we place it too, and write down that it was accepted, which excludes the submit's refusal: both expect to
 * find nothing but the spec. Undefined when there is no such task any more.
 */
export async function makeSure(
  broker: Broker,
  standing: Standing,
  placing: Placing = placeOrPlan,
): Promise<Submitted | undefined> {
  const waiting = waitingOf(standing);
  const added = await placing(broker, waiting);
  const accepted = acceptTask(timesOfWaiting(waiting, broker.clock.nowMs()));
  await decide(broker, fenceOf(waiting), accepted);
  const now = await broker.log.read(waiting.taskId);
  if (now) return { task: now.task, deduplicated: true };
  if (added) await broker.queues.remove(waiting);
  return undefined;
}

/** A task that finds no place is taken back, unless a repeat of the same submit has accepted it meanwhile. */
export async function orTakeBack<T>(
  broker: Broker,
  waiting: WaitingTask,
  placing: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await placing();
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
    const refusal = refuseTask(waiting.spec?.queue || DEFAULT_QUEUE);
    const refused = await decide(broker, fenceOf(waiting), refusal);
    if (refused.kind === "conflict") return undefined;
    await broker.log.forget(waiting.taskId, refused.sequence);
    throw error;
  }
}
