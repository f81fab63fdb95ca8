import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { timesOfWaiting } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { awaitsStart } from "#lib/task/life.ts";

const SOON_MS = 1_000;

/**
 * Puts an accepted task where it has to wait: into the schedule until its start time, or into its queue. Its limits are
 * set first, for what lies in a queue is already promised. False if it is in its queue already.
 */
async function place(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  const times = timesOfWaiting(waiting, broker.clock.nowMs());
  await broker.timeLimits.set(waiting.taskId, times);
  const { startMs } = times;
  // Whether that is past is for the broker to say: our clock may be ahead of its.
  if (startMs === undefined || !awaitsStart(waiting.last)) return broker.queues.enqueue(waiting);
  await broker.schedule.plan(waiting, new Date(startMs));
  return true;
}

/**
 * Places a task of which an entry from an earlier life may still be in the queue. Says whether it had to be planned, to
 * come after that.
 */
export async function placeAnew(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  if (await place(broker, waiting)) return false;
  await planSoon(broker, waiting);
  return true;
}

/**
 * Places a task that may have been promised: if its queue is full, or an entry of an earlier task of its id is in the
 * way, it waits in the schedule until there is room. False if it is in its queue already.
 */
export async function placeOrPlan(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  try {
    if (await place(broker, waiting)) return true;
    const entry = await broker.queues.find(waiting);
    if (entry?.specSequence === waiting.specSequence) return false;
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
  }
  await planSoon(broker, waiting);
  return true;
}

/** Into its queue in a moment, and then as soon as there is a place. */
export function planSoon({ schedule, clock }: Broker, waiting: WaitingTask): Promise<void> {
  return schedule.plan(waiting, new Date(clock.nowMs() + SOON_MS));
}
