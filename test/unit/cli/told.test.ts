import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { textOf } from "#cli/terminal/line.ts";
import { NOTHING_YET, type Picture, withEvent } from "#cli/watch/picture.ts";
import { told } from "#cli/watch/told.ts";
import { LogLine_Level, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";

type Facet = NonNullable<MessageInitShape<typeof TaskEventSchema>["facet"]>;

const { QUEUED, RUNNING, RETRYING, SUCCEEDED, FAILED, CANCELED } = TaskState;

function lines(...facets: Facet[]): string[] {
  let picture: Picture = NOTHING_YET;
  return facets.flatMap((facet, second) => {
    const event = create(TaskEventSchema, { time: timestampFromMs(second * 1_000), facet });
    const line = told(event, picture);
    picture = withEvent(picture, event);
    return line === undefined ? [] : [textOf(line)];
  });
}

function state(value: TaskState, attempt: number, more = {}): Facet {
  return { case: "state", value: { state: value, attempt, workerId: "worker-1", ...more } };
}

const error = { code: "DNS", message: "there is no host" };

test("an untroubled task needs one line", () => {
  expect(lines({ case: "spec", value: {} }, state(RUNNING, 1), state(SUCCEEDED, 1))).toEqual([
    "✔ succeeded in 1.0 s",
  ]);
});

test("a retry says why, and when it goes on", () => {
  const nextAttemptTime = timestampFromMs(3_000);
  expect(
    lines(
      state(RUNNING, 1),
      state(RETRYING, 1, { error, nextAttemptTime }),
      state(RUNNING, 2),
      state(FAILED, 2, { error }),
    ),
  ).toEqual([
    "attempt 1 failed: there is no host (DNS); the next one starts in 2.0 s",
    "attempt 2 starts on worker-1",
    "✘ failed in 1.0 s, attempt 2: there is no host (DNS)",
  ]);
});

test("a failure says what its handler has told besides, as much as a line has room for", () => {
  const details = { status: 503, body: "x".repeat(1_000) };
  const [line = ""] = lines(state(FAILED, 1, { error: { ...error, details } }));
  expect(line).toContain('there is no host (DNS) {"status":503,"body":"xxx');
  expect(line.length).toBeLessThan(500);
});

test("a lost worker and a leaving one are told apart", () => {
  expect(lines(state(RUNNING, 1), state(RUNNING, 2), state(QUEUED, 2), state(RUNNING, 3))).toEqual([
    "its worker was lost; attempt 2 starts on worker-1",
    "handed back; another worker goes on",
    "attempt 3 starts on worker-1",
  ]);
});

test("a cancel says whose idea it was, and a new start as well", () => {
  expect(
    lines(
      state(CANCELED, 1, { cancelReason: "too late", canceledBy: "ada" }),
      state(QUEUED, 1, { restartedBy: "bob" }),
    ),
  ).toEqual(["✘ canceled by ada: too late", "started again by bob"]);
  expect(lines(state(CANCELED, 0), state(QUEUED, 0))).toEqual(["✘ canceled", "started again"]);
});

test("a task that comes to its queue at its time is no news", () => {
  const start = { case: "delay" as const, value: { seconds: 1n } };
  expect(lines({ case: "spec", value: { start } }, state(QUEUED, 0))).toEqual([]);
});

test("log lines show their level and nothing that would command the terminal", () => {
  const value = { level: LogLine_Level.WARN, message: "odd\u001b[31m charset" };
  expect(lines({ case: "log", value })).toEqual(["  warn  odd\\u001b[31m charset"]);
});
