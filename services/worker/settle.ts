import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type StateChange, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/delivery.ts";
import { pause } from "#lib/process/pause.ts";
import { BrokerAway, HistoryFull } from "#lib/task/errors.ts";
import { isTerminal } from "#lib/task/life.ts";
import type { Begun } from "./begin-attempt.ts";

const AGAIN_MS = 500;

/**
 * Writes down what becomes of the task, then lets go of the delivery. A crash between the two repeats the attempt; the
 * other order would lose its outcome. Says whether it was written: not if the attempt is no longer the task's newest, and
 * not without a change, which is for attempts that were told to stop because the task went on without them.
 */
export async function settle(
  broker: Broker,
  delivery: Delivery,
  begun: Begun,
  change: StateChange | undefined,
): Promise<boolean> {
  if (!change) {
    await letGoIfOver(broker, delivery);
    return false;
  }
  const appendId = `${begun.fence.taskId}/${begun.running.attempt}`;
  const appended = await stored(broker, () => broker.log.append(begun.fence, change, appendId));
  if (appended.kind === "conflict") {
    await letGoIfOver(broker, delivery);
    return false;
  }
  if (change.state === TaskState.RETRYING && change.nextAttemptTime) {
    const at = timestampDate(change.nextAttemptTime);
    const waiting = create(WaitingTaskSchema, {
      ...begun.waiting,
      last: change,
      stateSequence: BigInt(appended.sequence),
    });
    await stored(broker, () => broker.schedule.plan(waiting, at));
  }
  // Interrupted: another worker is to have it at once.
  if (change.state === TaskState.QUEUED) delivery.putBack();
  else delivery.done();
  return true;
}

/** Repeats a write until the broker is there to take it; the delivery stays ours meanwhile, or becomes another's. */
async function stored<T>(broker: Broker, write: () => Promise<T>): Promise<T> {
  const never = new AbortController().signal;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof BrokerAway || error instanceof HistoryFull)) throw error;
      await pause(AGAIN_MS, never);
      await broker.link.whenUp(never);
    }
  }
}

/**
 * A stale attempt must not acknowledge a task that goes on: the broker takes the acknowledgement of an old delivery for
 * that of the new one (nats-server#4786), and the task would be lost if its new worker died.
 */
async function letGoIfOver(broker: Broker, delivery: Delivery): Promise<void> {
  const standing = await stored(broker, () => broker.log.read(delivery.taskId));
  if (!standing || isTerminal(standing.task.state)) delivery.done();
}
