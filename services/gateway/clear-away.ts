import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { fenceOf } from "#lib/broker/queues/waiting.ts";

/**
 * Takes away what is left of a run that was ended: its entry, its plan, its running attempt. Nothing of this decides
 * anything: a worker that gets the task all the same finds it ended.
 */
export async function clearAway(broker: Broker, ended: WaitingTask): Promise<void> {
  await Promise.allSettled([
    broker.cancels.tell({ ...fenceOf(ended), newest: Number.POSITIVE_INFINITY }),
    broker.queues.remove(ended),
    broker.schedule.cancel(ended),
  ]);
}
