import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { completeRestart } from "#lib/broker/queues/begun-restart.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";

/**
 * Writes down a restart of the ended task that was only begun, wherever its entry is: what is asked after it must not be
 * answered as if it had never been. True if the log is to be read again.
 */
export async function completeBegunRestart(broker: Broker, standing: Standing): Promise<boolean> {
  const { log, queues, schedule } = broker;
  const ended = waitingOf(standing);
  // In the order in which entries move; what is due may also be planned again.
  const places = [
    () => schedule.findDue(ended),
    () => schedule.find(ended.taskId),
    () => schedule.findDue(ended),
    () => queues.find(ended),
  ];
  for (const find of places) {
    const entry = await find();
    if (entry && (await completeRestart(log, entry, standing))) return true;
  }
  return false;
}
