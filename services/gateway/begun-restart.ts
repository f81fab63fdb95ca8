import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { fenceOf, isOfLaterLife, waitingOf } from "#lib/broker/queues/waiting.ts";

/**
 * Writes down the restart of an ended task of which only the entry is there: its gateway is about to write it, or has
 * died. What is asked after it must not be answered as if it had never been. False if there is none.
 */
export async function completeRestart(broker: Broker, standing: Standing): Promise<boolean> {
  const ended = waitingOf(standing);
  const entry = (await broker.queues.find(ended)) ?? (await broker.schedule.find(ended.taskId));
  if (!entry?.last || !isOfLaterLife(entry, ended)) return false;
  const appended = await broker.log.append(fenceOf(entry), entry.last);
  return appended.kind === "stored";
}
