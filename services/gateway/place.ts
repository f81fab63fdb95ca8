import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { fenceOf, timesOfWaiting } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { dueMsOf } from "#lib/task/next-state.ts";

const SOON_MS = 1_000;

/** Puts a task that is about to be accepted where it has to wait. Tasks that are accepted have room in its queue before it. */
export function placeNew(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  return placeBy(broker, waiting, () => broker.queues.enqueueNew(waiting));
}

/**
 * Puts a task that the log says waits where it has to wait: into the schedule until its next attempt may start, or into its
 * queue. Its limits are set first, for what lies in a queue may start. False if it is in its queue already.
 */
export function place(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  return placeBy(broker, waiting, () => broker.queues.enqueue(waiting));
}

async function placeBy(
  broker: Broker,
  waiting: WaitingTask,
  enqueue: () => Promise<boolean>,
): Promise<boolean> {
  const times = timesOfWaiting(waiting, broker.clock.nowMs());
  await broker.timeLimits.set(fenceOf(waiting), times);
  const dueMs = dueMsOf(waiting.last, times);
  // Whether that is past is for the broker to say: our clock may be ahead of its.
  if (dueMs === 0) return enqueue();
  await broker.schedule.plan(waiting, new Date(dueMs));
  return true;
}

/** The same for a task that was promised: if its queue is full, it waits in the schedule until there is room. */
export async function placeOrPlan(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  try {
    return await place(broker, waiting);
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
  }
  await broker.schedule.plan(waiting, new Date(broker.clock.nowMs() + SOON_MS));
  return true;
}

/** Places a task whose state change was just written, and that is promised by it, whatever happens here. */
export async function placePromised(broker: Broker, waiting: WaitingTask): Promise<void> {
  // The janitor places what we could not.
  await placeOrPlan(broker, waiting).catch(() => {});
}
