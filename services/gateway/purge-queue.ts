import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { afterRepair } from "#lib/broker/link/request.ts";
import type { QueueEntry } from "#lib/broker/queues/queues.ts";
import { fenceOf, isSameRun, waitingOf } from "#lib/broker/queues/waiting.ts";
import { CountNotConfirmed } from "#lib/task/errors.ts";
import { type Asked, cancelTask } from "#lib/task/next-state.ts";
import { inTurns } from "./in-turns.ts";

export interface PurgeOptions {
  /** Tasks to cancel, at most. */
  readonly confirmed: number;
  readonly asked: Asked;
  /** Ends it early: what is canceled by then is canceled. */
  readonly signal: AbortSignal;
}

/** Tasks that are canceled at once. */
const AT_ONCE = 64;

/** Cancels the tasks that wait in the queue, and says how many. */
export async function purgeQueue(
  broker: Broker,
  queue: string,
  options: PurgeOptions,
): Promise<number> {
  const { confirmed, asked, signal } = options;
  const { waiting } = await afterRepair(broker.link, () => broker.queues.depth(queue));
  if (waiting > confirmed) throw new CountNotConfirmed(queue, { waiting, confirmed });

  const underway = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let canceled = 0;
  const cancelOne = async (entry: QueueEntry) => {
    if (await cancelWaiting(broker, queue, { entry, asked })) canceled += 1;
  };
  for await (const entry of broker.queues.entries(queue)) {
    while (underway.size > 0 && underway.size >= Math.min(AT_ONCE, confirmed - canceled)) {
      await Promise.race(underway);
    }
    if (canceled === confirmed || failures.length > 0 || signal.aborted) break;
    const one = cancelOne(entry)
      .catch((error: unknown) => failures.push(error))
      .then(() => void underway.delete(one));
    underway.add(one);
  }
  await Promise.all(underway);
  if (failures.length > 0) throw failures[0];
  return canceled;
}

interface Cancelation {
  readonly entry: QueueEntry;
  readonly asked: Asked;
}

/**
 * Ends a task that waits in the queue, unless a worker starts it first: the log takes whichever comes first. Written
 * down before it leaves the queue, so that none is gone without an end.
 */
async function cancelWaiting(
  broker: Broker,
  queue: string,
  { entry, asked }: Cancelation,
): Promise<boolean> {
  // What the entry brings is mostly still true, and saves a read; the append finds out.
  let { waiting = await asLogged(broker, entry) } = entry;
  return inTurns(entry.taskId, async () => {
    if (!waiting) return false;
    const appended = await broker.log.append(fenceOf(waiting), cancelTask(waiting.last, asked));
    if (appended.kind === "conflict") {
      waiting = await asLogged(broker, entry);
      return undefined;
    }
    await broker.queues.discard(queue, entry.sequence);
    return true;
  });
}

/** The entry's run as the log has it; undefined if it waits no more. */
async function asLogged(
  broker: Broker,
  { taskId, waiting }: QueueEntry,
): Promise<WaitingTask | undefined> {
  const standing = await broker.log.read(taskId);
  if (!standing || !waitsNow(standing.task, broker.clock.nowMs())) return undefined;
  const logged = waitingOf(standing);
  return waiting && !isSameRun(waiting, logged) ? undefined : logged;
}

/** An entry that is on loan can belong to a task that runs, has ended, or waits for its next attempt elsewhere. */
function waitsNow({ state, nextAttemptTime }: Task, nowMs: number): boolean {
  if (state === TaskState.QUEUED) return true;
  const waitsForTime = state === TaskState.RETRYING || state === TaskState.SCHEDULED;
  return waitsForTime && (!nextAttemptTime || timestampMs(nextAttemptTime) <= nowMs);
}
