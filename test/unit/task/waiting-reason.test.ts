import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { PauseSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import {
  TaskSchema,
  TaskSpecSchema,
  TaskState,
  WaitingReason_Reason,
} from "#gen/millrace/v1/task_pb.ts";
import { type WaitingFacts, waitingReason } from "#lib/task/waiting-reason.ts";

const { QUEUED, SCHEDULED, RETRYING, RUNNING, SUCCEEDED } = TaskState;
const NOW_MS = Date.UTC(2026, 10, 29, 12);
const LATER = timestampFromMs(NOW_MS + 60_000);
const FREE = { running: 0, concurrency: 4 };
const BUSY = { running: 4, concurrency: 4 };

const PAUSE = create(PauseSchema, { reason: "maintenance", requestedBy: "ada" });

/** Why a task of the type waits, where all else is fine. */
function reasonOf(
  given: MessageInitShape<typeof TaskSchema> = {},
  facts: Partial<WaitingFacts> = {},
): [string, string] | undefined {
  const typeUrl = "type.googleapis.com/shop.v1.SendReceipt";
  const spec = create(TaskSpecSchema, { input: { typeUrl }, queue: "mail" });
  const task = create(TaskSchema, { state: QUEUED, spec, ...given });
  const found = waitingReason(task, {
    nowMs: NOW_MS,
    workers: [FREE],
    isServedElsewhere: true,
    lastSeenMs: undefined,
    pause: undefined,
    waitsForRoom: false,
    isWorkerGone: false,
    ...facts,
  });
  const [name = ""] =
    Object.entries(WaitingReason_Reason).find(([, value]) => value === found?.reason) ?? [];
  return found && [name, found.description];
}

const NOBODY: Partial<WaitingFacts> = { workers: [], isServedElsewhere: false };

test("a task that is about to start, runs or has ended waits for nothing", () => {
  expect(reasonOf()).toBeUndefined();
  for (const state of [RUNNING, SUCCEEDED]) {
    expect(reasonOf({ state }, { ...NOBODY, pause: PAUSE })).toBeUndefined();
  }
});

test("a task that runs, by the log, at a worker that is gone waits as others do", () => {
  const running = { state: RUNNING, workerId: "worker-1" };
  const gone = { isWorkerGone: true };
  expect(reasonOf(running, { ...NOBODY, ...gone })?.[0]).toBe("NO_WORKER");
  expect(reasonOf(running, { pause: PAUSE, ...gone })?.[0]).toBe("QUEUE_PAUSED");
  expect(reasonOf(running, { workers: [BUSY], ...gone })?.[0]).toBe("SLOTS_BUSY");
  // A free worker will take it.
  expect(reasonOf(running, gone)).toBeUndefined();
});

test("a task waits for its start time, and then no longer for that", () => {
  expect(reasonOf({ state: SCHEDULED, nextAttemptTime: LATER }, NOBODY)).toEqual([
    "START_TIME",
    "starts at 2026-11-29T12:01:00.000Z",
  ]);
  const past = timestampFromMs(NOW_MS);
  expect(reasonOf({ state: SCHEDULED, nextAttemptTime: past }, NOBODY)?.[0]).toBe("NO_WORKER");
});

test("a task waits for the time of its next attempt", () => {
  expect(reasonOf({ state: RETRYING, attempt: 2, nextAttemptTime: LATER })).toEqual([
    "RETRY_TIME",
    "attempt 3 starts at 2026-11-29T12:01:00.000Z",
  ]);
});

test.each([
  [undefined, ""],
  [59_000, "; last seen 59 s ago"],
  [119_000, "; last seen 119 s ago"],
  [11 * 60_000, "; last seen 11 min ago"],
  [3.5 * 3_600_000, "; last seen 3 h ago"],
  [5 * 86_400_000, "; last seen 5 days ago"],
  [-1, "; last seen 0 s ago"],
])("where no worker was seen for %s ms, that is said", (agoMs, told) => {
  const lastSeenMs = agoMs === undefined ? undefined : NOW_MS - agoMs;
  expect(reasonOf({}, { ...NOBODY, pause: PAUSE, lastSeenMs })).toEqual([
    "NO_WORKER",
    `no live worker serves shop.v1.SendReceipt${told}`,
  ]);
});

test("a type that is served from other queues only is said to be so", () => {
  expect(reasonOf({}, { workers: [] })).toEqual([
    "NO_WORKER",
    "no live worker serves shop.v1.SendReceipt from queue mail",
  ]);
  // Without a name of either, nothing is invented.
  expect(reasonOf({ spec: create(TaskSpecSchema) }, { workers: [] })?.[1]).toContain(
    "serves  from queue default",
  );
});

test("nothing is said of workers that may not have been heard yet", () => {
  expect(reasonOf({}, { ...NOBODY, workers: undefined })).toBeUndefined();
});

test("a paused queue is named, with who paused it and why", () => {
  expect(reasonOf({}, { pause: PAUSE })).toEqual([
    "QUEUE_PAUSED",
    "queue mail is paused by ada: maintenance",
  ]);
  expect(reasonOf({}, { pause: create(PauseSchema) })?.[1]).toBe("queue mail is paused");
});

test("a task that its queue has no room for waits for that", () => {
  expect(reasonOf({}, { waitsForRoom: true, workers: [BUSY] })).toEqual([
    "QUEUE_FULL",
    "queue mail is full; it gets a place when there is one",
  ]);
});

test("a task waits for a slot if all are busy", () => {
  expect(reasonOf({}, { workers: [BUSY] })).toEqual([
    "SLOTS_BUSY",
    "the worker that serves it is busy (4 of 4 slots)",
  ]);
  expect(reasonOf({}, { workers: [BUSY, BUSY] })?.[1]).toBe(
    "the workers that serve it are busy (8 of 8 slots)",
  );
  expect(reasonOf({}, { workers: [BUSY, FREE] })).toBeUndefined();
});
