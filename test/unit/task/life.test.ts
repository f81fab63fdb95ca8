import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { StateChangeSchema, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { isRefusal, isTerminal, isTerminalEvent, mayFollow, stateName } from "#lib/task/life.ts";
import { refuseTask } from "#lib/task/next-state.ts";

const TERMINAL = [
  TaskState.SUCCEEDED,
  TaskState.FAILED,
  TaskState.CANCELED,
  TaskState.EXPIRED,
] as const;
const ALL = Object.values(TaskState).filter((state) => state !== TaskState.UNSPECIFIED);

describe("the life of a task", () => {
  test("nothing follows success, and only a new start the other ends", () => {
    const again = [TaskState.QUEUED, TaskState.RUNNING];
    for (const from of TERMINAL) {
      expect(isTerminal(from)).toBe(true);
      const next = ALL.filter((to) => mayFollow(from, to));
      expect(next).toEqual(from === TaskState.SUCCEEDED ? [] : again);
    }
  });

  test("every other state can still reach a terminal one", () => {
    for (const from of ALL.filter((state) => !isTerminal(state))) {
      expect(TERMINAL.some((to) => mayFollow(from, to))).toBe(true);
    }
  });

  test("a running task may run again, for its worker may have died", () => {
    expect(mayFollow(TaskState.RUNNING, TaskState.RUNNING)).toBe(true);
  });

  test("a task that waits can't succeed without having run", () => {
    expect(mayFollow(TaskState.QUEUED, TaskState.SUCCEEDED)).toBe(false);
    expect(mayFollow(TaskState.UNSPECIFIED, TaskState.SUCCEEDED)).toBe(false);
  });
});

test("only a terminal state change ends a history", () => {
  const event = (state: TaskState) =>
    create(TaskEventSchema, {
      facet: { case: "state", value: create(StateChangeSchema, { state }) },
    });
  expect(isTerminalEvent(event(TaskState.SUCCEEDED))).toBe(true);
  expect(isTerminalEvent(event(TaskState.RETRYING))).toBe(false);
  expect(isTerminalEvent(create(TaskEventSchema))).toBe(false);
});

test("a state is named as people say it, also one that a newer version has added", () => {
  expect(stateName(TaskState.RUNNING)).toBe("RUNNING");
  expect(stateName(99 as TaskState)).toBe("state 99");
});

test("a refused submit is told from a task that failed", () => {
  expect(isRefusal(refuseTask("default"))).toBe(true);
  expect(isRefusal(create(StateChangeSchema, { state: TaskState.FAILED }))).toBe(false);
  const byHandler = { ...refuseTask("default"), attempt: 1 };
  expect(isRefusal(byHandler)).toBe(false);
});
