import type { Broker } from "#lib/broker/broker.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { isTerminal } from "#lib/task/life.ts";
import { acceptFound } from "../accept-found.ts";
import { placeOrPlan } from "../place.ts";

/** Gives a task that has not ended its place, if it is in none. Says whether it was in none. */
export async function adopt(broker: Broker, taskId: string): Promise<boolean> {
  const standing = await broker.log.read(taskId);
  if (!standing || isTerminal(standing.task.state)) return false;
  // One that has begun is accepted for sure. Whoever gets it finds out whether it still runs, or is due at all.
  if (standing.last) return placeOrPlan(broker, waitingOf(standing));
  return acceptFound(broker, standing);
}
