import type { Broker } from "#lib/broker/broker.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { TaskNotFinished } from "#lib/task/errors.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { deleteTask } from "#lib/task/next-state.ts";
import { inTurns } from "./in-turns.ts";

/**
 * Removes a task that has ended, with its history; false if there is none. A mark comes first, by compare-and-set: a
 * task that is started again at the same moment is either deleted or runs, and never runs without its history.
 */
export function deleteFinished(broker: Broker, taskId: string): Promise<boolean> {
  return inTurns(taskId, async () => {
    const standing = await broker.log.read(taskId);
    if (!standing) {
      await broker.log.forgetGone(taskId);
      return false;
    }
    const { task, last, fence } = standing;
    if (!last || !isTerminal(last.state)) throw new TaskNotFinished(taskId, stateName(task.state));
    const marked = await broker.log.append(fence, deleteTask(last));
    if (marked.kind === "conflict") return undefined;
    await broker.schedule.cancel(waitingOf(standing));
    await broker.log.forget(taskId, marked.sequence);
    return true;
  });
}
