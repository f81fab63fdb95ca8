import { describe, expect, test } from "vitest";
import { type StateChange, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { finishAttempt, startAttempt } from "#lib/task/next-state.ts";
import { endOverdue, TASK_TIMEOUT } from "#lib/task/overdue.ts";
import { DEFAULT_RETRY_POLICY } from "#lib/task/retry.ts";

const NOW = 1_800_000_000_000;
const NO_LIMITS = { startMs: undefined, expireMs: undefined, deadlineMs: undefined };
const START = { workerId: "w1", nowMs: NOW, maxCrashes: 3, times: NO_LIMITS };
const FINISH = { policy: DEFAULT_RETRY_POLICY, nowMs: NOW };
const BROKEN = { kind: "retry", code: "BROKEN", message: "it broke" } as const;

function started(): StateChange {
  const start = startAttempt(undefined, START);
  if (start.kind !== "run") throw new Error(`expected to run, got ${start.kind}`);
  return start.change;
}

describe("a task that has no time left", () => {
  const late = (last: StateChange | undefined, times: object) =>
    startAttempt(last, { ...START, times: { ...NO_LIMITS, ...times } });

  test("expires if it has never started", () => {
    expect(late(undefined, { expireMs: NOW })).toMatchObject({
      kind: "give up",
      change: { state: TaskState.EXPIRED, attempt: 0 },
    });
    expect(late(undefined, { expireMs: NOW + 1 }).kind).toBe("run");
    expect(late(started(), { expireMs: NOW }).kind).toBe("run");
  });

  test("has failed when its deadline is past, and says what went wrong before", () => {
    expect(late(started(), { deadlineMs: NOW })).toMatchObject({
      kind: "give up",
      change: { state: TaskState.FAILED, error: { code: TASK_TIMEOUT, attempt: 1 } },
    });
    const retrying = finishAttempt(started(), BROKEN, FINISH);
    const message = "the task did not end before its deadline; its last error: it broke";
    expect(late(retrying, { deadlineMs: NOW })).toMatchObject({ change: { error: { message } } });
    expect(late(undefined, { deadlineMs: NOW })).toMatchObject({
      change: { error: { attempt: 0 } },
    });
    expect(late(started(), { deadlineMs: NOW + 1 }).kind).toBe("run");
  });

  test("stays as it ended, whatever its limits", () => {
    const failed = finishAttempt(started(), { kind: "failed", code: "X", message: "x" }, FINISH);
    expect(late(failed, { expireMs: 1, deadlineMs: 1 }).kind).toBe("over");
    expect(endOverdue(failed, { ...NO_LIMITS, deadlineMs: 1 }, NOW)).toBeUndefined();
  });
});
