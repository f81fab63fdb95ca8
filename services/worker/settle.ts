import { randomUUID } from "node:crypto";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Progress, type StateChange, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import { untilAnswered } from "#lib/broker/link/request.ts";
import type { Appended } from "#lib/broker/log/task-log.ts";
import { entryAfter } from "#lib/broker/queues/waiting.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { isTerminal } from "#lib/task/life.ts";
import { failAttempt, queueTask } from "#lib/task/next-state.ts";
import type { AttemptNotes } from "./attempt-notes.ts";
import type { Begun } from "./begin-attempt.ts";
import type { Lease } from "./lease.ts";

/** Where is told what goes wrong with an attempt. */
export type ErrorLog = Pick<BrokerLog, "error">;

export interface Settling {
  readonly broker: Broker;
  readonly lease: Lease;
  readonly begun: Begun;
  readonly notes: AttemptNotes;
  readonly log: ErrorLog;
}

/** How long an outcome waits for what its attempt has said to be stored; what is not by then is left out. */
const NOTES_MS = 4_000;

/** Code of a task whose outcome the log does not take, such as one that is larger than the broker's messages may be. */
const NOT_STORED = "OUTCOME_NOT_STORED";

/**
 * Writes down what becomes of the task, then lets go of it. A crash between the two repeats the attempt; the other order
 * would lose its outcome. Says whether it was written: not if the attempt is no longer the task's newest, and not
 * without a change, which is for attempts that were told to stop because the task went on without them.
 */
export async function settle(
  { broker, lease, begun, notes, log }: Settling,
  given: StateChange | undefined,
): Promise<boolean> {
  const { fence } = begun;
  const change = given ?? (await handedBack(broker, begun));
  // Not the attempt's number: a task that is deleted and submitted anew has attempts of the same numbers.
  const appendId = randomUUID();
  let reports: Progress[] | undefined;
  const write = async (next: StateChange): Promise<Appended> => {
    await writeNotes(notes, broker);
    reports ??= notes.takeReports();
    return broker.log.append(fence, next, { appendId, reports });
  };
  notes.keepReports();
  if (change) {
    const [written, appended] = await storedOrFailed(change, { broker, begun, log, write });
    if (appended.kind === "stored") {
      await letGo({ broker, lease, begun }, written, appended.sequence);
      return true;
    }
  }
  await letGoIfOver(broker, lease, fence.taskId);
  return false;
}

/** What the attempt has said comes before its end, also what had to wait; but it must not hold that up for long. */
async function writeNotes(notes: AttemptNotes, { link }: Broker): Promise<void> {
  if (await notes.sent(NOTES_MS)) return;
  // Away: then its end can't be written either.
  if (!link.isUp) throw new BrokerUnavailable();
  notes.leaveOut();
  await notes.sent();
}

interface Writing extends Pick<Settling, "broker" | "begun" | "log"> {
  readonly write: (change: StateChange) => Promise<Appended>;
}

/** Writes the change down; or, if the log does not take it, that the task has failed for that, for it never will. */
async function storedOrFailed(
  change: StateChange,
  { broker, begun, log, write }: Writing,
): Promise<[StateChange, Appended]> {
  try {
    return [change, await untilAnswered(broker.link, () => write(change))];
  } catch (error) {
    log.error({ err: error }, "an outcome can't be stored");
    const message = `its outcome can't be stored: ${error}`;
    const failure = { code: NOT_STORED, message };
    const failed = failAttempt(begun.running, failure, { nowMs: broker.clock.nowMs() });
    return [failed, await untilAnswered(broker.link, () => write(failed))];
  }
}

/** The hint that the task went on without the attempt may have been late, and meant for an earlier one. */
async function handedBack(
  broker: Broker,
  { fence, running }: Begun,
): Promise<StateChange | undefined> {
  const isNewest = await untilAnswered(broker.link, () => broker.log.isNewest(fence));
  return isNewest ? queueTask(running) : undefined;
}

async function letGo(
  { broker, lease, begun }: Pick<Settling, "broker" | "lease" | "begun">,
  change: StateChange,
  stateSequence: number,
): Promise<void> {
  // Interrupted: another worker is to have it at once.
  if (change.state === TaskState.QUEUED) return lease.putBack();
  if (change.state === TaskState.RETRYING && change.nextAttemptTime) {
    const at = timestampDate(change.nextAttemptTime);
    const waiting = entryAfter(begun.waiting, change, stateSequence);
    await untilAnswered(broker.link, () => broker.schedule.plan(waiting, at));
  }
  return lease.done();
}

/**
 * A stale attempt must not acknowledge a task that goes on: the broker takes the acknowledgement of an old delivery for
 * that of the new one (nats-server#4786), and the task would be lost if its new worker died.
 */
async function letGoIfOver(broker: Broker, lease: Lease, taskId: string): Promise<void> {
  const standing = await untilAnswered(broker.link, () => broker.log.read(taskId));
  if (!standing || isTerminal(standing.task.state)) lease.done();
}
