import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { isTerminal } from "#lib/task/life.ts";
import { makeSure } from "../make-sure.ts";
import { place } from "../place.ts";

const FULL_RETRY_MS = 1_000;

/** Gives a task that has not ended its place, if it is in none. Says whether it was in none. */
export async function adopt(broker: Broker, taskId: string): Promise<boolean> {
  const standing = await broker.log.read(taskId);
  if (!standing || isTerminal(standing.task.state)) return false;
  // One that has begun is accepted for sure. Whoever gets it finds out whether it still runs, or is due at all.
  if (standing.last) return placeOrPlan(broker, waitingOf(standing));
  let added = false;
  await makeSure(broker, standing, async (...given) => {
    added = await placeOrPlan(...given);
    return added;
  });
  return added;
}

/**
 * A full queue is no reason to take the task back: nobody waits for an answer, and it may have been promised. It waits
 * in the schedule until there is room.
 */
async function placeOrPlan(broker: Broker, waiting: WaitingTask): Promise<boolean> {
  try {
    return await place(broker, waiting);
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
    await broker.schedule.plan(waiting, new Date(broker.clock.nowMs() + FULL_RETRY_MS));
    return true;
  }
}
