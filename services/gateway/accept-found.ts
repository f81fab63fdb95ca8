import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { entryAfter, fenceOf, timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { acceptTask } from "#lib/task/next-state.ts";
import { decide } from "./decide.ts";
import { placePromised } from "./place.ts";

/**
 * Accepts a task of which only the spec is found: its submit may have died before it placed the task, or may be about to
 * take it back. That refusal and our acceptance exclude each other, for both expect to find nothing but the spec. False if
 * the log has something else of it by now.
 */
export async function acceptFound(broker: Broker, standing: Standing): Promise<boolean> {
  const waiting = waitingOf(standing);
  const accepted = acceptTask(timesOfWaiting(waiting, broker.clock.nowMs()));
  const appended = await decide(broker, fenceOf(waiting), accepted);
  if (appended.kind === "conflict") return false;
  await placePromised(broker, entryAfter(waiting, accepted, appended.sequence));
  return true;
}
