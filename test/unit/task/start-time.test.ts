import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { acceptTask, queueTask, startAttempt } from "#lib/task/next-state.ts";

const NOW = 1_800_000_000_000;
const NO_START = { startMs: undefined, expireMs: undefined, deadlineMs: undefined };
const times = { ...NO_START, startMs: NOW + 1 };
const START = { workerId: "w1", nowMs: NOW, maxCrashes: 3, times };

test("an accepted task waits for its start time if it has one, else in its queue", () => {
  expect(acceptTask(times)).toMatchObject({
    state: TaskState.SCHEDULED,
    nextAttemptTime: timestampFromMs(NOW + 1),
  });
  expect(acceptTask(NO_START).state).toBe(TaskState.QUEUED);
});

test("a worker that gets it before then has it wait, unless it has come to its queue in time", () => {
  const scheduled = acceptTask(times);
  for (const last of [undefined, scheduled]) {
    expect(startAttempt(last, START)).toEqual({ kind: "wait", untilMs: NOW + 1 });
    expect(startAttempt(last, { ...START, nowMs: NOW + 1 }).kind).toBe("run");
  }
  // The broker's clock has said so; the worker's may be behind.
  expect(startAttempt(queueTask(scheduled), START).kind).toBe("run");
});
