import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import {
  StateChangeSchema,
  type TaskEvent,
  TaskEventSchema,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import {
  fillLevelOf,
  hasRoomForNew,
  keptFor,
  leavesAtMs,
  shareTaken,
  standingOf,
} from "#lib/task/retention.ts";

const HOUR_MS = 3_600_000;
const NOW = 1_800_000_000_000;

function specEvent(keepForMs?: number): TaskEvent {
  const keepFor = keepForMs === undefined ? {} : { keepFor: durationFromMs(keepForMs) };
  const value = create(TaskSpecSchema, keepFor);
  return create(TaskEventSchema, { sequence: 1n, facet: { case: "spec", value } });
}

function stateEvent(state: TaskState, timeMs = NOW): TaskEvent {
  const value = create(StateChangeSchema, { state });
  const time = timestampFromMs(timeMs);
  return create(TaskEventSchema, { sequence: 2n, time, facet: { case: "state", value } });
}

test("the fuller one of bytes and events says how full the log is; a limit that is not set does not count", () => {
  const usage = { bytes: 80, maxBytes: 100, events: 9, maxEvents: 10 };
  expect(shareTaken(usage)).toBe(0.9);
  expect(shareTaken({ ...usage, maxEvents: -1 })).toBe(0.8);
  expect(shareTaken({ ...usage, maxBytes: -1, maxEvents: 0 })).toBe(0);
});

test("a log takes new tasks up to nine tenths of its room, with their own bytes", () => {
  const usage = { bytes: 80, maxBytes: 100, events: 8, maxEvents: 10 };
  expect(hasRoomForNew(usage, 10)).toBe(true);
  expect(hasRoomForNew(usage, 11)).toBe(false);
  expect(hasRoomForNew({ ...usage, events: 9 }, 1)).toBe(false);
});

test("a task is kept for as long as it says, else as its type says, if that is less than the history", () => {
  const own = { keepFor: durationFromMs(1) };
  const type = (hours: number) => ({ keepFor: durationFromMs(hours * HOUR_MS) });
  expect(keptFor(own, type(1), 2 * HOUR_MS)).toEqual(durationFromMs(1));
  expect(keptFor({}, type(1), 2 * HOUR_MS)).toEqual(durationFromMs(HOUR_MS));
  expect(keptFor({}, type(2), 2 * HOUR_MS)).toBeUndefined();
  expect(keptFor({}, {}, 2 * HOUR_MS)).toBeUndefined();
  expect(keptFor({}, undefined, 2 * HOUR_MS)).toBeUndefined();
});

test("only what has succeeded has ended for good; what has failed is a dead letter", () => {
  const { QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELED, EXPIRED } = TaskState;
  const of = (state: TaskState) => standingOf(stateEvent(state));
  expect([QUEUED, RUNNING].map(of)).toEqual(["open", "open"]);
  expect([SUCCEEDED, FAILED, CANCELED, EXPIRED].map(of)).toEqual([
    "final",
    "dead letter",
    "restartable",
    "restartable",
  ]);
  expect(standingOf(undefined)).toBe("open");
  expect(standingOf(specEvent())).toBe("open");
});

test("the time that a task is kept counts from its end", () => {
  const spec = specEvent(HOUR_MS);
  const ended = stateEvent(TaskState.FAILED, NOW - 1_000);
  expect(leavesAtMs({ spec, last: ended }, NOW)).toBe(NOW - 1_000 + HOUR_MS);
  expect(leavesAtMs({ spec, last: stateEvent(TaskState.RUNNING) }, NOW)).toBe(NOW + HOUR_MS);
  expect(leavesAtMs({ spec, last: undefined }, NOW)).toBe(NOW + HOUR_MS);
  const timeless = create(TaskEventSchema, { facet: ended.facet });
  expect(leavesAtMs({ spec, last: timeless }, NOW)).toBe(NOW + HOUR_MS);
});

test("a task without a keep_for has no such time", () => {
  expect(leavesAtMs({ spec: specEvent(), last: undefined }, NOW)).toBeUndefined();
  expect(leavesAtMs({ spec: stateEvent(TaskState.FAILED), last: undefined }, NOW)).toBeUndefined();
});

test.each([
  [0, "roomy"],
  [75, "roomy"],
  [76, "filling"],
  [80, "filling"],
  [81, "nearly full"],
])("of a log of which %d %% are taken it is told, and tasks leave it, in time", (bytes, level) => {
  expect(fillLevelOf({ bytes, maxBytes: 100, events: 1, maxEvents: -1 })).toBe(level);
});
