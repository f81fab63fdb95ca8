import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import {
  StateChangeSchema,
  TaskErrorSchema,
  TaskSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { HISTORY_EXPIRED, longestLifeMs, outlived } from "#lib/task/outlived.ts";

const HISTORY_MS = 100_000;
const ACCEPTED_MS = 1_800_000_000_000;
const OLD = { nowMs: ACCEPTED_MS + longestLifeMs(HISTORY_MS), historyMs: HISTORY_MS };

function task(state: TaskState) {
  return create(TaskSchema, { state, createTime: timestampFromMs(ACCEPTED_MS) });
}

function change(state: TaskState, attempt: number) {
  return create(StateChangeSchema, { state, attempt, failures: attempt, workerId: "w1" });
}

test("a task that was never started is EXPIRED before its spec is forgotten", () => {
  expect(outlived(task(TaskState.QUEUED), undefined, OLD)).toMatchObject({
    state: TaskState.EXPIRED,
  });
  const queued = change(TaskState.QUEUED, 0);
  expect(outlived(task(TaskState.QUEUED), queued, OLD)?.state).toBe(TaskState.EXPIRED);
});

test.each([TaskState.RUNNING, TaskState.QUEUED, TaskState.RETRYING])(
  "a task that has started and is in state %i fails with HISTORY_EXPIRED, and keeps its counts",
  (state) => {
    const nextAttemptTime = timestampFromMs(ACCEPTED_MS + 99_000);
    const last = create(StateChangeSchema, { ...change(state, 2), nextAttemptTime });
    const end = outlived(task(state), last, OLD);
    expect(end).toMatchObject({
      state: TaskState.FAILED,
      attempt: 2,
      failures: 2,
      workerId: "w1",
      error: { code: HISTORY_EXPIRED, attempt: 2, retryable: false },
    });
    expect(end?.nextAttemptTime).toBeUndefined();
  },
);

test("what the last attempt failed with is told in the error", () => {
  const error = create(TaskErrorSchema, { code: "DOWN", message: "the site is down" });
  const last = create(StateChangeSchema, { ...change(TaskState.RETRYING, 1), error });
  expect(outlived(task(TaskState.RETRYING), last, OLD)?.error?.message).toBe(
    "had not ended when the log was about to forget it; its last error: the site is down",
  );
});

test("a task that is younger, has ended, or is of unknown age is left alone", () => {
  const younger = { ...OLD, nowMs: OLD.nowMs - 1 };
  expect(outlived(task(TaskState.QUEUED), undefined, younger)).toBeUndefined();
  for (const state of [TaskState.SUCCEEDED, TaskState.CANCELED]) {
    expect(outlived(task(state), change(state, 1), OLD)).toBeUndefined();
  }
  const ageless = create(TaskSchema, { state: TaskState.QUEUED });
  expect(outlived(ageless, undefined, OLD)).toBeUndefined();
});
