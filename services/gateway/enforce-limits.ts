import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import type { Reached } from "#lib/broker/queues/time-limits.ts";
import { timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { isTerminal } from "#lib/task/life.ts";
import { endOverdue } from "#lib/task/overdue.ts";
import type { Times } from "#lib/task/times.ts";
import { clearAway } from "./clear-away.ts";

/**
 * A worker ends its attempt at the deadline, gives the handler time to clean up, and writes that down. What runs on for
 * longer than this has no worker any more; and none may come to take it over.
 */
const WORKER_GONE_MS = 15_000;

const NO_LIMITS: Times = { startMs: undefined, expireMs: undefined, deadlineMs: undefined };

/** Ends tasks that have reached a limit of theirs, until the signal aborts. */
export function enforceLimits(broker: Broker, signal: AbortSignal): Promise<void> {
  return broker.timeLimits.enforce((reached) => endIfOverdue(broker, reached), signal);
}

/** The task may have gone on, ended, or been started again since the limit was set: its history says what holds. */
async function endIfOverdue(broker: Broker, reached: Reached): Promise<void> {
  const { taskId, atMs } = reached;
  for (;;) {
    const standing = await broker.log.read(taskId);
    if (!standing || isTerminal(standing.task.state)) return;
    const waiting = waitingOf(standing);
    // By the broker's clock, which has said so, it is at least that late.
    const nowMs = Math.max(broker.clock.nowMs(), atMs);
    const times = timesOfWaiting(waiting, nowMs);
    const ended = endOverdue(standing.last, times, nowMs);
    // Set for an earlier life, or by another caller's restart; and there is one limit of a kind.
    if (!ended) return broker.timeLimits.set(taskId, toCome(times, nowMs));
    if (isWithItsWorker(standing, times, reached)) {
      return broker.timeLimits.set(taskId, { ...NO_LIMITS, deadlineMs: nowMs + WORKER_GONE_MS });
    }
    const appended = await broker.log.append(standing.fence, ended);
    if (appended.kind === "stored") return clearAway(broker, waiting);
  }
}

function toCome({ expireMs = 0, deadlineMs = 0 }: Times, nowMs: number): Times {
  return {
    ...NO_LIMITS,
    ...(expireMs > nowMs && { expireMs }),
    ...(deadlineMs > nowMs && { deadlineMs }),
  };
}

function isWithItsWorker({ task }: Standing, { deadlineMs = 0 }: Times, { atMs }: Reached) {
  return task.state === TaskState.RUNNING && atMs < deadlineMs + WORKER_GONE_MS;
}
