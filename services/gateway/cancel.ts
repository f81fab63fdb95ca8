import { type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { TaskFinished, TaskNotFound } from "#lib/task/errors.ts";
import { changed } from "#lib/task/fold.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { type Asked, cancelTask } from "#lib/task/next-state.ts";
import { clearAway } from "./clear-away.ts";
import { inTurns } from "./in-turns.ts";

/** Ends the task. It and its worker race for the last word: the log takes whichever comes first. */
export function cancel(broker: Broker, taskId: string, asked: Asked): Promise<Task> {
  return inTurns(taskId, async () => {
    const standing = await broker.log.read(taskId);
    if (!standing) throw new TaskNotFound(taskId);
    if (isTerminal(standing.task.state)) return answerOfEnded(broker, standing);
    return end(broker, standing, asked);
  });
}

/** Undefined if the task went on meanwhile. */
async function end(broker: Broker, standing: Standing, asked: Asked): Promise<Task | undefined> {
  const canceled = cancelTask(standing.last, asked);
  const appended = await broker.log.append(standing.fence, canceled);
  if (appended.kind === "conflict") return undefined;
  const task = changed(standing.task, canceled, BigInt(appended.sequence));
  return cleanUp(broker, { ...standing, task });
}

async function answerOfEnded(broker: Broker, standing: Standing): Promise<Task> {
  const { id, state } = standing.task;
  // Asked again, for the gateway that canceled it may have died before it told anyone.
  if (state === TaskState.CANCELED) return cleanUp(broker, standing);
  throw new TaskFinished(id, stateName(state));
}

async function cleanUp(broker: Broker, standing: Standing): Promise<Task> {
  await clearAway(broker, waitingOf(standing));
  const now = await broker.log.readAgain(standing);
  // It may have been deleted, or started again, meanwhile.
  return now?.task.state === TaskState.CANCELED ? now.task : standing.task;
}
