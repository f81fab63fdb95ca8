import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { timesOfWaiting } from "#lib/broker/queues/waiting.ts";
import { awaitsStart } from "#lib/task/life.ts";

/** An entry of the task that is still in its queue is about to be let go of; ours comes after it. */
const AFTER_THE_OLD_MS = 1_000;

/**
 * Puts an accepted task where it has to wait: into the schedule until its start time, or into its queue. Its limits are
 * set first, for what lies in a queue is already promised. False if it is in its queue already.
 */
export async function place(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  const times = timesOfWaiting(waiting, broker.clock.nowMs());
  await broker.timeLimits.set(waiting.taskId, times);
  const { startMs } = times;
  // Whether that is past is for the broker to say: our clock may be ahead of its.
  if (startMs === undefined || !awaitsStart(waiting.last)) return broker.queues.enqueue(waiting);
  await broker.schedule.plan(waiting, new Date(startMs));
  return true;
}

/** Places a task of which an entry from an earlier life may still be in the queue. */
export async function placeAnew(broker: Broker, waiting: WaitingTask): Promise<void> {
  if (await place(broker, waiting)) return;
  await broker.schedule.plan(waiting, new Date(broker.clock.nowMs() + AFTER_THE_OLD_MS));
}
