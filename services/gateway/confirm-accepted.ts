import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { fenceOf, timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { acceptTask } from "#lib/task/next-state.ts";
import { decide } from "./decide.ts";
import { placeOrPlan } from "./place.ts";

/**
 * Places a task of which only the spec is known, and writes down that it is accepted: its submit may have died before
 * it placed the task, or may be about to take it back. That refusal and our acceptance exclude each other, for both
 * expect to find nothing but the spec. Which of them the log has is for the caller to read there. Says whether the task
 * was in no place before.
 */
export async function confirmAccepted(broker: Broker, standing: Standing): Promise<boolean> {
  const waiting = waitingOf(standing);
  const added = await placeOrPlan(broker, waiting);
  const accepted = acceptTask(timesOfWaiting(waiting, broker.clock.nowMs()));
  const appended = await decide(broker, fenceOf(waiting), accepted);
  const isGone = appended.kind === "conflict" && !(await broker.log.read(waiting.taskId));
  // The entry of a task that was refused would hold a place in the full queue.
  if (isGone && added) await broker.queues.remove(waiting);
  return added;
}
