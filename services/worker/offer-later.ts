import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import {
  dueAfter,
  entryAfter,
  fenceOf,
  isSameRun,
  timesOfWaiting,
  waitingOf,
} from "#lib/broker/queues/waiting.ts";
import { isTerminal } from "#lib/task/life.ts";
import { acceptTask } from "#lib/task/next-state.ts";
import type { BeginOptions } from "./begin-attempt.ts";
import { isHeldElsewhere } from "./held-elsewhere.ts";
import type { Lease } from "./lease.ts";

/** Another worker may have a handler for what we can't run; it is offered again after this long. */
const LATER_MS = 5_000;

/**
 * Lets go of a task that we have no handler for, and plans it for later: put back into the queue, it would hold a place
 * among the deliveries for as long as nobody can run it.
 */
export async function offerLater(
  lease: Lease,
  found: WaitingTask,
  { broker, workerId }: BeginOptions,
): Promise<void> {
  const standing = await broker.log.read(found.taskId);
  const waiting = standing && waitingOf(standing);
  const isOver = !waiting || !isSameRun(waiting, found) || isTerminal(standing.task.state);
  if (isOver) return lease.done();
  if (await isHeldElsewhere(waiting, { broker, workerId })) return;
  const planned = waiting.last ? waiting : await writtenDown(waiting, broker);
  // Somebody else has moved it on: it is theirs to let go of.
  if (!planned) return;
  await broker.schedule.plan(planned, dueAfter(planned, broker.clock.nowMs() + LATER_MS));
  lease.done();
}

/**
 * Says in the log that the task was accepted. A repeat of its submit would else find neither a state nor a place in the
 * queue, and could take it for one that never was.
 */
async function writtenDown(waiting: WaitingTask, broker: Broker): Promise<WaitingTask | undefined> {
  const last = acceptTask(timesOfWaiting(waiting, broker.clock.nowMs()));
  const appended = await broker.log.append(fenceOf(waiting), last);
  if (appended.kind === "conflict") return undefined;
  return entryAfter(waiting, last, appended.sequence);
}
