import { type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/task-log.ts";
import { waitingOf } from "#lib/broker/waiting.ts";
import { TaskFinished, TaskNotFound } from "#lib/task/errors.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { type Asked, cancelTask } from "#lib/task/next-state.ts";
import { clearAway } from "./clear-away.ts";

/** Ends the task. It and its worker race for the last word: the log takes whichever comes first. */
export async function cancel(broker: Broker, taskId: string, asked: Asked): Promise<Task> {
  for (;;) {
    const standing = await broker.log.read(taskId);
    if (!standing) throw new TaskNotFound(taskId);
    const { task, last, fence } = standing;
    // Asked again, for the gateway that canceled it may have died before it told anyone.
    if (task.state === TaskState.CANCELED) return cleanUp(broker, standing);
    if (isTerminal(task.state)) throw new TaskFinished(taskId, stateName(task.state));
    const appended = await broker.log.append(fence, cancelTask(last, asked));
    if (appended.kind === "stored") return cleanUp(broker, standing);
  }
}

async function cleanUp(broker: Broker, standing: Standing): Promise<Task> {
  const { task } = standing;
  await clearAway(broker, waitingOf(standing));
  return (await broker.log.read(task.id))?.task ?? task;
}
