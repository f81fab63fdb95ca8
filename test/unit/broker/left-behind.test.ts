import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { isLeftBehind } from "#lib/broker/queues/waiting.ts";

/** An entry of the task after a state change; sequences are of the log. */
function entry(
  specSequence: bigint,
  stateSequence = 0n,
  last?: { state: TaskState; epoch?: bigint; restarts?: number },
): WaitingTask {
  return create(WaitingTaskSchema, {
    taskId: "t",
    specSequence,
    stateSequence,
    ...(last && { last }),
  });
}

const { QUEUED, RUNNING, RETRYING } = TaskState;
const first = entry(1n);
const retry = entry(1n, 5n, { state: RETRYING, epoch: 1n });
const restarted = entry(1n, 9n, { state: QUEUED, restarts: 1 });
const another = entry(12n);

test("an entry makes way for a later run of its task, and not the other way round", () => {
  const inOrder = [first, restarted, another];
  for (const [index, earlier] of inOrder.entries()) {
    for (const later of inOrder.slice(index + 1)) {
      expect([isLeftBehind(earlier, later), isLeftBehind(later, earlier)]).toEqual([true, false]);
    }
  }
});

test("it makes way for the next attempt of its run once the last one has ended", () => {
  expect(isLeftBehind(first, retry)).toBe(true);
  expect(isLeftBehind(retry, retry)).toBe(false);
  expect(isLeftBehind(retry, first)).toBe(false);
});

test("it stays while an attempt of its run may have it", () => {
  const running = entry(1n, 3n, { state: RUNNING, epoch: 1n });
  const queued = entry(1n, 3n, { state: QUEUED, epoch: 1n });
  expect([isLeftBehind(first, running), isLeftBehind(first, queued)]).toEqual([false, false]);
});
