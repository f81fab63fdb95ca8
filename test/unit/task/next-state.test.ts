import { create } from "@bufbuild/protobuf";
import { anyPack, StringValueSchema, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type StateChange, StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { isGone } from "#lib/task/life.ts";
import {
  cancelTask,
  deleteTask,
  finishAttempt,
  queueTask,
  refuseTask,
  restartTask,
  startAttempt,
  WORKER_LOST,
} from "#lib/task/next-state.ts";
import { DEFAULT_RETRY_POLICY } from "#lib/task/retry.ts";

const NOW = 1_800_000_000_000;
const NO_LIMITS = { startMs: undefined, expireMs: undefined, deadlineMs: undefined };
const START = { workerId: "w1", nowMs: NOW, maxCrashes: 3, times: NO_LIMITS };
const FINISH = { policy: DEFAULT_RETRY_POLICY, nowMs: NOW, random: () => 0 };

function started(last?: StateChange, workerId = "w1"): StateChange {
  const start = startAttempt(last, { ...START, workerId });
  if (start.kind !== "run") throw new Error(`expected to run, got ${start.kind}`);
  return start.change;
}

function failure(code = "BROKEN") {
  return { kind: "retry", code, message: "it broke" } as const;
}

describe("starting an attempt", () => {
  test("a task that was never started runs as attempt 1", () => {
    expect(started()).toMatchObject({
      state: TaskState.RUNNING,
      attempt: 1,
      failures: 0,
      crashes: 0,
      workerId: "w1",
    });
  });

  test("the start time is that of the first attempt", () => {
    const first = started();
    const later = startAttempt(first, { ...START, nowMs: NOW + 60_000 });
    expect(later).toMatchObject({ kind: "run", change: { startTime: first.startTime } });
  });

  test("a task that is still RUNNING lost its worker, which counts as a crash and as no failure", () => {
    const next = started(started(), "w2");
    expect(next).toMatchObject({ attempt: 2, crashes: 1, failures: 0, workerId: "w2" });
  });

  test("a worker that comes upon an attempt of its own did not crash", () => {
    expect(started(started(), "w1")).toMatchObject({ attempt: 2, crashes: 0, failures: 0 });
  });

  test("a task that took down as many workers as it may fails without running", () => {
    const third = started(started(started(), "w2"), "w3");
    const start = startAttempt(third, START);
    expect(start).toMatchObject({
      kind: "give up",
      change: {
        state: TaskState.FAILED,
        crashes: 3,
        attempt: 3,
        error: { code: WORKER_LOST, retryable: false, attempt: 3, time: timestampFromMs(NOW) },
      },
    });
  });

  test("with no crash allowed, not even a first attempt is made", () => {
    const start = startAttempt(undefined, { ...START, maxCrashes: 0 });
    expect(start).toMatchObject({ kind: "give up", change: { attempt: 0 } });
  });

  test("a finished task is over", () => {
    const change = create(StateChangeSchema, { state: TaskState.CANCELED });
    expect(startAttempt(change, START)).toEqual({ kind: "over" });
  });

  test("a retry waits for its time, and runs from then on", () => {
    const retrying = finishAttempt(started(), failure(), FINISH);
    const dueMs = retrying.nextAttemptTime ? timestampMs(retrying.nextAttemptTime) : 0;
    expect(startAttempt(retrying, START)).toEqual({ kind: "wait", untilMs: dueMs });
    expect(startAttempt(retrying, { ...START, nowMs: dueMs })).toMatchObject({
      kind: "run",
      change: { attempt: 2, failures: 1, crashes: 0 },
    });
  });
});

describe("finishing an attempt", () => {
  test("output makes the task succeed", () => {
    const output = anyPack(StringValueSchema, create(StringValueSchema, { value: "done" }));
    expect(finishAttempt(started(), { kind: "succeeded", output }, FINISH)).toMatchObject({
      state: TaskState.SUCCEEDED,
      attempt: 1,
      output,
    });
  });

  test("a permanent error makes it fail at once", () => {
    const failed = { kind: "failed", code: "BAD", message: "no" } as const;
    expect(finishAttempt(started(), failed, FINISH)).toMatchObject({
      state: TaskState.FAILED,
      failures: 1,
      error: { code: "BAD", message: "no", retryable: false, attempt: 1 },
    });
  });

  test("what an error says to programs, and when it was, is kept", () => {
    const failed = {
      kind: "failed",
      code: "BAD",
      message: "no",
      details: { status: 503 },
    } as const;
    const { error } = finishAttempt(started(), failed, FINISH);
    expect(error).toMatchObject({ details: { status: 503 }, time: timestampFromMs(NOW) });
  });

  test("an error that may pass makes it retry after the policy's delay", () => {
    const retrying = finishAttempt(started(), failure(), FINISH);
    expect(retrying).toMatchObject({
      state: TaskState.RETRYING,
      failures: 1,
      error: { code: "BROKEN", retryable: true, attempt: 1 },
    });
    expect(retrying.nextAttemptTime && timestampMs(retrying.nextAttemptTime)).toBe(NOW + 1_000);
  });

  test("the last failure that the policy allows is final", () => {
    const last = create(StateChangeSchema, { ...started(), failures: 2 });
    expect(finishAttempt(last, failure(), FINISH)).toMatchObject({
      state: TaskState.FAILED,
      failures: 3,
      error: { retryable: true },
    });
  });

  test("a timeout is retried like a failure", () => {
    const outcome = { kind: "timed out", code: "ATTEMPT_TIMEOUT", message: "slow" } as const;
    expect(finishAttempt(started(), outcome, FINISH).state).toBe(TaskState.RETRYING);
  });

  test("a handler's own delay replaces the policy's", () => {
    const retrying = finishAttempt(started(), { ...failure(), retryAfterMs: 42_000 }, FINISH);
    expect(retrying.nextAttemptTime && timestampMs(retrying.nextAttemptTime)).toBe(NOW + 42_000);
  });

  test("an error with a code that must not be retried ends the task at once, a timeout too", () => {
    const policy = { ...DEFAULT_RETRY_POLICY, nonRetryableCodes: ["BROKEN", "ATTEMPT_TIMEOUT"] };
    expect(finishAttempt(started(), failure(), { ...FINISH, policy })).toMatchObject({
      state: TaskState.FAILED,
      failures: 1,
      error: { code: "BROKEN", retryable: false },
    });
    const outcome = { kind: "timed out", code: "ATTEMPT_TIMEOUT", message: "slow" } as const;
    const failed = finishAttempt(started(), outcome, { ...FINISH, policy });
    expect(failed.state).toBe(TaskState.FAILED);
  });

  test("a retry that could only start at the task's deadline, or later, is not waited for", () => {
    const retriedBefore = (deadlineMs: number) =>
      finishAttempt(started(), failure(), { ...FINISH, deadlineMs });
    expect(retriedBefore(NOW + 1_001).state).toBe(TaskState.RETRYING);
    expect(retriedBefore(NOW + 1_000)).toMatchObject({
      state: TaskState.FAILED,
      failures: 1,
      error: {
        code: "BROKEN",
        message: "it broke (no other attempt fits before the task's deadline)",
        retryable: true,
        attempt: 1,
      },
    });
  });

  test("an interrupted attempt goes back to the queue and costs no failure", () => {
    const queued = finishAttempt(started(), { kind: "interrupted" }, FINISH);
    expect(queued).toMatchObject({ state: TaskState.QUEUED, failures: 0, crashes: 0, attempt: 1 });
    expect(started(queued)).toMatchObject({ attempt: 2, failures: 0, crashes: 0 });
  });

  test("the delay is random by default", () => {
    const { random: _, ...given } = FINISH;
    const retrying = finishAttempt(started(), failure(), given);
    const delayMs = retrying.nextAttemptTime ? timestampMs(retrying.nextAttemptTime) - NOW : 0;
    expect(delayMs).toBeGreaterThanOrEqual(800);
    expect(delayMs).toBeLessThanOrEqual(1_000);
  });

  test("the last error stays with the task that succeeds after all", () => {
    const retrying = finishAttempt(started(), failure(), FINISH);
    const again = startAttempt(retrying, { ...START, nowMs: NOW + 10_000 });
    expect(again).toMatchObject({ change: { error: { code: "BROKEN" } } });
  });
});

test("a canceled task keeps what it had, why it was canceled, and who asked for it", () => {
  const asked = { reason: "not needed", requestedBy: "ada" };
  expect(cancelTask(started(), asked)).toMatchObject({
    state: TaskState.CANCELED,
    attempt: 1,
    cancelReason: "not needed",
    canceledBy: "ada",
  });
  expect(cancelTask(undefined, asked).state).toBe(TaskState.CANCELED);
});

describe("a task that is started again", () => {
  const failed = () =>
    finishAttempt(started(), { kind: "failed", code: "X", message: "x" }, FINISH);
  const again = () => restartTask(failed(), { nowMs: NOW, requestedBy: "ada" });

  test("waits with a clean slate, and says who wanted it when", () => {
    expect(again()).toMatchObject({
      state: TaskState.QUEUED,
      attempt: 1,
      failures: 0,
      crashes: 0,
      restarts: 1,
      restartTime: timestampFromMs(NOW),
      restartedBy: "ada",
    });
    expect(again().error).toBeUndefined();
  });

  test("numbers its attempts on, and keeps saying that it was", () => {
    expect(started(again())).toMatchObject({ attempt: 2, failures: 0, restarts: 1 });
  });
});

test("the mark of a deleted task is all that is left of it", () => {
  const failed = finishAttempt(started(), { kind: "failed", code: "X", message: "x" }, FINISH);
  const mark = deleteTask(failed);
  expect(mark).toMatchObject({ state: TaskState.FAILED, attempt: 1, deleted: true });
  expect(isGone(mark)).toBe(true);
  expect(isGone(failed)).toBe(false);
  expect(isGone(refuseTask("default"))).toBe(true);
});

test("a task that waits and one that was refused say so", () => {
  expect(queueTask(undefined).state).toBe(TaskState.QUEUED);
  expect(refuseTask("default")).toMatchObject({
    state: TaskState.FAILED,
    error: { code: "QUEUE_FULL" },
  });
});
