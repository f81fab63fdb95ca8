import { describe, expect, test } from "vitest";
import {
  BrokerUnavailable,
  CountNotConfirmed,
  GatewayStarting,
  HistoryFull,
  InvalidField,
  OutcomeUnknown,
  QueueFull,
  QueueUnknown,
  SequenceUnknown,
  TaskFinished,
  TaskIdTaken,
  TaskNotFinished,
  TaskNotFound,
  TaskTooOld,
  TaskTypeUnknown,
  TooManyTasks,
  WatcherTooSlow,
} from "#lib/task/errors.ts";

test.each([
  [new TaskNotFound("t1"), "task t1 is not, or no longer, in the log", { task_id: "t1" }],
  [
    new TaskFinished("t1", "FAILED"),
    "task t1 is finished: FAILED",
    { task_id: "t1", state: "FAILED" },
  ],
  [
    new TaskNotFinished("t1", "RUNNING"),
    "task t1 has not ended: RUNNING",
    { task_id: "t1", state: "RUNNING" },
  ],
  [
    new TaskTooOld("t1"),
    "task t1 is too old to start again: its history is about to expire",
    { task_id: "t1" },
  ],
  [
    new QueueUnknown("q", ["a", "b"]),
    'there is no queue "q"; there are: a, b',
    { queue: "q", known: "a,b" },
  ],
  [
    new CountNotConfirmed("q", { waiting: 3, confirmed: 2 }),
    "tasks waiting in the queue q: 3; confirmed: 2",
    { queue: "q", waiting: "3" },
  ],
  [
    new TaskIdTaken("t1"),
    "the id t1 is taken by a task with another spec; choose another id",
    { task_id: "t1" },
  ],
  [
    new TaskTypeUnknown("a.B", ["c.D", "e.F"]),
    "no worker has announced the task type a.B; announced: c.D, e.F",
    { task_type: "a.B", known: "c.D,e.F" },
  ],
  [
    new TaskTypeUnknown("a.B", []),
    "no worker has announced the task type a.B; announced: none",
    { task_type: "a.B", known: "" },
  ],
  [
    new WatcherTooSlow(7n),
    "events came faster than they were read; watch again after 7",
    { resume_after_sequence: "7" },
  ],
  [
    new SequenceUnknown(99n, 42),
    "the history ends at 42: 99 is of another one; begin again at 0",
    { sequence: "99", newest_sequence: "42" },
  ],
  [
    new TooManyTasks(9),
    "more than 9 tasks at once, running or not yet read; name more labels",
    { limit: "9" },
  ],
])("$name says what is the matter, to people and to programs", (error, message, facts) => {
  expect(error.message).toBe(message);
  expect(error.facts).toEqual(facts);
  expect(error.retryAfterMs).toBeUndefined();
});

test.each([
  [new QueueFull("q", 500), 500],
  [new GatewayStarting(), 500],
  [new HistoryFull(), 30_000],
  [new OutcomeUnknown("t1"), 30_000],
  [new BrokerUnavailable(), 1_000],
])("$name says when to ask again", (error, retryAfterMs) => {
  expect(error.retryAfterMs).toBe(retryAfterMs);
});

test("OutcomeUnknown says what is the matter, and with which task", () => {
  const error = new OutcomeUnknown("t1");
  expect(error.message).toBe(
    "the history of tasks became full, and what becomes of task t1 is unknown",
  );
  expect(error.facts).toEqual({ task_id: "t1" });
});

test("BrokerUnavailable keeps its cause", () => {
  const cause = new Error("connection lost");
  expect(new BrokerUnavailable(cause).cause).toBe(cause);
});

describe("InvalidField", () => {
  test("is about one field", () => {
    const error = new InvalidField("spec.queue", "no such queue");
    expect(error.message).toBe("spec.queue: no such queue");
    expect(error.faults).toEqual([{ field: "spec.queue", description: "no such queue" }]);
  });

  test("or about several, of which its message tells the first", () => {
    const faults = [
      { field: "", description: "only one may be set" },
      { field: "b", description: "too long" },
      { field: "c", description: "too short" },
    ];
    expect(new InvalidField(faults).message).toBe("only one may be set (and 2 more)");
    expect(new InvalidField([]).message).toBe("the request is not valid");
  });
});
