import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type StateChange,
  StateChangeSchema,
  TaskErrorSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { awaitsStart, isTerminal, QUEUE_FULL } from "./life.ts";
import type { Failure, OwnOutcome } from "./outcome.ts";
import { endOverdue } from "./overdue.ts";
import { isRetryable, mayRetry, type RetryPolicy, retryDelayMs } from "./retry.ts";
import { after } from "./state-change.ts";
import type { Times } from "./times.ts";

/** Code of a task that took down too many workers. */
export const WORKER_LOST = "WORKER_LOST";

export interface StartConditions {
  readonly workerId: string;
  readonly nowMs: number;
  /** Workers that a task may take down before it fails. */
  readonly maxCrashes: number;
  readonly times: Times;
}

/** What to do with a task that a queue has handed out. */
export type Start =
  | { kind: "run"; change: StateChange }
  | { kind: "give up"; change: StateChange }
  | { kind: "wait"; untilMs: number }
  | { kind: "over" };

/** Says in the log what was only implied by the spec: the task waits, for its start time or in its queue. */
export function acceptTask({ startMs }: Times): StateChange {
  if (startMs === undefined) return queueTask(undefined);
  const nextAttemptTime = timestampFromMs(startMs);
  return after(undefined, { state: TaskState.SCHEDULED, nextAttemptTime });
}

/** The task waits in its queue. */
export function queueTask(last: StateChange | undefined): StateChange {
  return after(last, { state: TaskState.QUEUED });
}

/** Who asks for something to be done with a task, and why. */
export interface Asked {
  readonly reason: string;
  readonly requestedBy: string;
}

export function cancelTask(last: StateChange | undefined, asked: Asked): StateChange {
  const { reason, requestedBy } = asked;
  return after(last, {
    state: TaskState.CANCELED,
    cancelReason: reason,
    canceledBy: requestedBy,
  });
}

/** A task that has ended waits in its queue again, with a clean slate; its attempts are numbered on. */
export function restartTask(
  last: StateChange,
  { nowMs, requestedBy }: { nowMs: number; requestedBy: string },
): StateChange {
  const { attempt, workerId, restarts, startTime } = last;
  return create(StateChangeSchema, {
    state: TaskState.QUEUED,
    attempt,
    workerId,
    ...(startTime && { startTime }),
    restarts: restarts + 1,
    restartTime: timestampFromMs(nowMs),
    restartedBy: requestedBy,
  });
}

/** The mark of a task that is deleted: it ended as it did, and whoever reads on finds nothing of it. */
export function deleteTask(last: StateChange): StateChange {
  return create(StateChangeSchema, { state: last.state, attempt: last.attempt, deleted: true });
}

/** The mark that takes back a submit whose queue was full; see `isRefusal`. */
export function refuseTask(queue: string): StateChange {
  return after(undefined, {
    state: TaskState.FAILED,
    error: create(TaskErrorSchema, {
      code: QUEUE_FULL,
      message: `queue "${queue}" is full; the task was not accepted`,
      retryable: true,
    }),
  });
}

/** Decides how the next attempt starts, from the task's last state change; none means that it was never started. */
export function startAttempt(last: StateChange | undefined, given: StartConditions): Start {
  if (last && isTerminal(last.state)) return { kind: "over" };
  const ended = endOverdue(last, given.times, given.nowMs);
  if (ended) return { kind: "give up", change: ended };
  const untilMs = dueMsOf(last, given.times);
  if (untilMs > given.nowMs) return { kind: "wait", untilMs };
  const crashes = (last?.crashes ?? 0) + (isCrash(last, given.workerId) ? 1 : 0);
  if (crashes >= given.maxCrashes) {
    return { kind: "give up", change: workerLost(last, crashes, given.nowMs) };
  }
  return {
    kind: "run",
    change: after(last, {
      state: TaskState.RUNNING,
      attempt: (last?.attempt ?? 0) + 1,
      crashes,
      workerId: given.workerId,
      startTime: last?.startTime ?? timestampFromMs(given.nowMs),
    }),
  };
}

/** When the next attempt may start; 0 = at once. */
export function dueMsOf(last: StateChange | undefined, { startMs = 0 }: Times): number {
  if (awaitsStart(last)) return startMs;
  if (last?.state !== TaskState.RETRYING || !last.nextAttemptTime) return 0;
  return timestampMs(last.nextAttemptTime);
}

/** Whoever ran it no longer holds it: it died. A worker that comes upon an attempt of its own is alive to tell. */
function isCrash(last: StateChange | undefined, workerId: string): boolean {
  return last?.state === TaskState.RUNNING && last.workerId !== workerId;
}

function workerLost(last: StateChange | undefined, crashes: number, nowMs: number): StateChange {
  const attempt = last?.attempt ?? 0;
  return after(last, {
    state: TaskState.FAILED,
    crashes,
    error: create(TaskErrorSchema, {
      code: WORKER_LOST,
      message: `took down ${crashes} workers, the last one ${last?.workerId ?? ""}`,
      retryable: false,
      attempt,
      time: timestampFromMs(nowMs),
    }),
  });
}

export interface FinishConditions {
  readonly policy: RetryPolicy;
  readonly nowMs: number;
  /** When the task must have ended; no attempt starts from then on. */
  readonly deadlineMs?: number | undefined;
  readonly random?: () => number;
}

/** What becomes of a task whose attempt ended so. */
export function finishAttempt(
  running: StateChange,
  outcome: OwnOutcome,
  given: FinishConditions,
): StateChange {
  switch (outcome.kind) {
    case "succeeded":
      return after(running, { state: TaskState.SUCCEEDED, output: outcome.output });
    case "failed":
      return failAttempt(running, outcome, given);
    case "retry":
    case "timed out":
      return retried(running, outcome, given);
    case "interrupted":
      return after(running, { state: TaskState.QUEUED });
  }
}

interface Fate {
  readonly nowMs: number;
  readonly retryable?: boolean;
}

function errorOf({ attempt }: StateChange, failure: Failure, { nowMs, retryable = false }: Fate) {
  const { code, message, details } = failure;
  const time = timestampFromMs(nowMs);
  const told = { code, message, retryable, attempt, time };
  return create(TaskErrorSchema, details === undefined ? told : { ...told, details });
}

/** The attempt ends the task, which has failed for good. */
export function failAttempt(running: StateChange, failure: Failure, fate: Fate): StateChange {
  return after(running, {
    state: TaskState.FAILED,
    failures: running.failures + 1,
    error: errorOf(running, failure, fate),
  });
}

function retried(
  running: StateChange,
  failure: Extract<OwnOutcome, { kind: "retry" | "timed out" }>,
  given: FinishConditions,
): StateChange {
  const { nowMs } = given;
  if (!isRetryable(given.policy, failure.code)) return failAttempt(running, failure, { nowMs });
  const failures = running.failures + 1;
  const fate = { nowMs, retryable: true };
  if (!mayRetry(given.policy, failures)) return failAttempt(running, failure, fate);
  const asked = failure.kind === "retry" ? failure.retryAfterMs : undefined;
  const nextMs = given.nowMs + (asked ?? retryDelayMs(given.policy, failures, given.random));
  if (given.deadlineMs !== undefined && nextMs >= given.deadlineMs) {
    return failAttempt(running, outOfTime(failure), fate);
  }
  return after(running, {
    state: TaskState.RETRYING,
    failures,
    nextAttemptTime: timestampFromMs(nextMs),
    error: errorOf(running, failure, fate),
  });
}

function outOfTime(failure: Failure): Failure {
  return {
    ...failure,
    message: `${failure.message} (no other attempt fits before the task's deadline)`,
  };
}
