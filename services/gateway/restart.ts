import { create } from "@bufbuild/protobuf";
import { type StateChange, type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { TaskFinished, TaskNotFinished, TaskNotFound, TaskTooOld } from "#lib/task/errors.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { restartTask } from "#lib/task/next-state.ts";
import { isTooOld } from "#lib/task/outlived.ts";
import { decide } from "./decide.ts";
import { placeAnew } from "./place.ts";

/**
 * Starts a task again that has ended without success. Its place in the queue comes first, the log second: a full queue
 * then leaves nothing to take back, and a crash between the two starts it all the same, for its entry says of itself
 * that it is the restart. In the other order, the crash would leave a task that waits for ever.
 */
export async function restart(broker: Broker, taskId: string, requestedBy: string): Promise<Task> {
  for (;;) {
    const standing = await broker.log.read(taskId);
    if (!standing) throw new TaskNotFound(taskId);
    const last = endOf(standing);
    // It would vanish without an end of its own.
    const { historyMs } = broker;
    if (isTooOld(standing.task, { nowMs: broker.clock.nowMs(), historyMs }))
      throw new TaskTooOld(taskId);
    const restarted = restartTask(last, { nowMs: broker.clock.nowMs(), requestedBy });
    await placeAnew(broker, create(WaitingTaskSchema, { ...waitingOf(standing), last: restarted }));
    const appended = await decide(broker, standing.fence, restarted);
    const now = await broker.log.read(taskId);
    // A worker may have been faster than we, or another caller: then the task was started again all the same.
    if (now && (appended.kind === "stored" || now.task.restarts > last.restarts)) return now.task;
  }
}

function endOf({ task, last }: Standing): StateChange {
  if (!last || !isTerminal(last.state)) throw new TaskNotFinished(task.id, stateName(task.state));
  if (last.state === TaskState.SUCCEEDED) throw new TaskFinished(task.id, stateName(last.state));
  return last;
}
