import { create } from "@bufbuild/protobuf";
import { type StateChange, type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { TaskFinished, TaskNotFinished, TaskNotFound, TaskTooOld } from "#lib/task/errors.ts";
import { changed } from "#lib/task/fold.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { restartTask } from "#lib/task/next-state.ts";
import { isTooOld } from "#lib/task/outlived.ts";
import { decide } from "./decide.ts";
import { placeAnew, planSoon } from "./place.ts";

export interface Restart {
  readonly taskId: string;
  readonly requestedBy: string;
  /** Sequence of the end that it is meant for; not to be repeated after another end. */
  readonly endSequence?: number;
}

/**
 * Starts a task again that has ended without success. Its place in the queue comes first, the log second: a full queue
 * then leaves nothing to take back, and a crash between the two starts it all the same, for its entry says of itself
 * that it is the restart. In the other order, the crash would leave a task that waits for ever.
 */
export async function restart(broker: Broker, asked: Restart): Promise<Task> {
  const { taskId, requestedBy } = asked;
  for (;;) {
    const standing = await broker.log.read(taskId);
    if (!standing) throw new TaskNotFound(taskId);
    const last = endOf(standing, asked, broker);
    const restarted = restartTask(last, { nowMs: broker.clock.nowMs(), requestedBy });
    const ours = await begin(broker, standing, restarted);
    // Once it is written there is nothing to begin again, though the task may have ended by now, and been deleted.
    const now = (await broker.log.readAgain(standing))?.task ?? ours;
    // A worker may have been faster than we, or another caller: then the task was started again all the same.
    if (now && now.restarts > last.restarts) return now;
  }
}

/** The task as it is then; undefined if it was not as it stood any more. */
async function begin(
  broker: Broker,
  standing: Standing,
  restarted: StateChange,
): Promise<Task | undefined> {
  const entry = create(WaitingTaskSchema, { ...waitingOf(standing), last: restarted });
  const wasPlanned = await placeAnew(broker, entry);
  const appended = await decide(broker, standing.fence, restarted);
  if (appended.kind === "conflict") return undefined;
  // Until now, whoever still planned for its earlier life could replace it.
  if (wasPlanned) await planSoon(broker, entry);
  return changed(standing.task, restarted, BigInt(appended.sequence));
}

/** Its end, if that permits a restart. */
function endOf(
  { task, last, fence }: Standing,
  { endSequence = fence.stateSequence }: Restart,
  { clock, historyMs }: Broker,
): StateChange {
  if (!last || !isTerminal(last.state)) throw new TaskNotFinished(task.id, stateName(task.state));
  if (last.state === TaskState.SUCCEEDED || endSequence !== fence.stateSequence)
    throw new TaskFinished(task.id, stateName(last.state));
  // It would vanish without an end of its own.
  if (isTooOld(task, { nowMs: clock.nowMs(), historyMs })) throw new TaskTooOld(task.id);
  return last;
}
