import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Reached } from "#lib/broker/time-limits.ts";
import { timesOfWaiting, waitingOf } from "#lib/broker/waiting.ts";
import { endOverdue } from "#lib/task/overdue.ts";

/** Ends tasks that wait for longer than they may, until the signal aborts. What runs is limited by its worker. */
export function enforceLimits(broker: Broker, signal: AbortSignal): Promise<void> {
  return broker.timeLimits.enforce((reached) => endIfOverdue(broker, reached), signal);
}

/** The task may have gone on, ended, or been started again since the limit was set: its history says what holds. */
async function endIfOverdue(broker: Broker, { taskId, atMs }: Reached): Promise<void> {
  for (;;) {
    const standing = await broker.log.read(taskId);
    if (!standing || standing.task.state === TaskState.RUNNING) return;
    const waiting = waitingOf(standing);
    // By the broker's clock, which has said so, it is at least that late.
    const nowMs = Math.max(Date.now(), atMs);
    const ended = endOverdue(standing.last, timesOfWaiting(waiting, nowMs), nowMs);
    if (!ended) return;
    const appended = await broker.log.append(standing.fence, ended);
    if (appended.kind === "conflict") continue;
    await Promise.all([broker.queues.remove(waiting), broker.schedule.cancel(waiting)]);
    return;
  }
}
