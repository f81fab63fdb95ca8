import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Standing } from "#lib/broker/log/task-log.ts";
import type { Reached } from "#lib/broker/queues/time-limits.ts";
import { timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { isTerminal } from "#lib/task/life.ts";
import { endOverdue } from "#lib/task/overdue.ts";
import type { Times } from "#lib/task/times.ts";
import { clearAway } from "./clear-away.ts";
import { DONE, inTurns } from "./in-turns.ts";

/**
 * A worker ends its attempt at the deadline, gives the handler time to clean up, and writes that down. What runs on for
 * longer than this has no worker any more; and none may come to take it over.
 */
const WORKER_GONE_MS = 15_000;

/** Ends tasks that have reached a limit of theirs, until the signal aborts. */
export function enforceLimits(broker: Broker, signal: AbortSignal): Promise<void> {
  return broker.timeLimits.enforce((reached) => endIfOverdue(broker, reached), signal);
}

/** The task may have gone on, ended, or been started again since the limit was set: its history says what holds. */
async function endIfOverdue(broker: Broker, reached: Reached): Promise<void> {
  const { taskId, atMs } = reached;
  await inTurns(taskId, async () => {
    const standing = await broker.log.read(taskId);
    if (!standing || isTerminal(standing.task.state)) return DONE;
    const waiting = waitingOf(standing);
    // By the broker's clock, which has said so, it is at least that late.
    const nowMs = Math.max(broker.clock.nowMs(), atMs);
    const times = timesOfWaiting(waiting, nowMs);
    const ended = endOverdue(standing.last, times, nowMs);
    // It was set for an earlier run.
    if (!ended) return DONE;
    if (isWithItsWorker(standing, times, reached)) {
      const again = { expireMs: undefined, deadlineMs: nowMs + WORKER_GONE_MS };
      await broker.timeLimits.set(standing.fence, again);
      return DONE;
    }
    const appended = await broker.log.append(standing.fence, ended);
    if (appended.kind === "conflict") return undefined;
    await clearAway(broker, waiting);
    return DONE;
  });
}

function isWithItsWorker({ task }: Standing, { deadlineMs = 0 }: Times, { atMs }: Reached) {
  return task.state === TaskState.RUNNING && atMs < deadlineMs + WORKER_GONE_MS;
}
