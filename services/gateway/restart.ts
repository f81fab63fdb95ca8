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
import { inTurns } from "./in-turns.ts";
import { placePromised } from "./place.ts";

export interface Restart {
  readonly taskId: string;
  readonly requestedBy: string;
  /** Sequence of the end that it is meant for; not to be repeated after another end. */
  readonly endSequence?: number;
}

/**
 * Starts a task again that has ended without success: the log first, its place second. It is promised once the log has
 * it. In a full queue it waits for room; and if this process dies between the two, the janitor places it.
 */
export function restart(broker: Broker, asked: Restart): Promise<Task> {
  const { taskId, requestedBy, endSequence } = asked;
  return inTurns(taskId, async () => {
    const standing = await broker.log.read(taskId);
    if (!standing) throw new TaskNotFound(taskId);
    const last = endOf(standing, asked, broker);
    const restarted = restartTask(last, { nowMs: broker.clock.nowMs(), requestedBy });
    const begun = await broker.log.beginRun(standing.fence, restarted);
    if (begun.kind === "stored") return placed(broker, standing, restarted, begun.sequence);
    const now = await broker.log.readAgain(standing);
    // Another caller was faster: then the task was started again all the same. Whoever counts what they started does not
    // mean that.
    const isAgain = now !== undefined && now.task.restarts > last.restarts;
    return isAgain && endSequence === undefined ? now.task : undefined;
  });
}

async function placed(
  broker: Broker,
  standing: Standing,
  restarted: StateChange,
  sequence: number,
): Promise<Task> {
  const stateSequence = BigInt(sequence);
  const begun = { ...waitingOf(standing), last: restarted, stateSequence };
  await placePromised(broker, create(WaitingTaskSchema, begun));
  return changed(standing.task, restarted, stateSequence);
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
