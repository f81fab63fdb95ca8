import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { taskTypesOf } from "#cli/task-types/task-types.ts";
import { textOf } from "#cli/terminal/line.ts";
import { widthOf } from "#cli/terminal/text.ts";
import { barLine } from "#cli/watch/bar.ts";
import { NOTHING_YET, type Picture } from "#cli/watch/picture.ts";
import { WaitingNote } from "#cli/watch/waiting-note.ts";
import {
  ProgressSchema,
  TaskEventSchema,
  TaskSchema,
  TaskState,
  WaitingReason_Reason,
  WaitingReasonSchema,
} from "#gen/millrace/v1/task_pb.ts";
import { SHIP_ORDER } from "./ship-order.ts";

const STARTED_MS = 1_000_000;

function running(fraction: number | undefined, note: string, attempt = 1): Picture {
  const progress = create(ProgressSchema, { attempt, note });
  if (fraction !== undefined) progress.fraction = fraction;
  return { ...NOTHING_YET, state: TaskState.RUNNING, attempt, progress, sinceMs: STARTED_MS };
}

function bar(picture: Picture & { readonly waits?: string }, columns = 80): string {
  return textOf(barLine(picture, STARTED_MS + 1_400, columns));
}

test("the bar shows how far the task is, what happens, and for how long", () => {
  expect(bar(running(0.5, "fetching example.com"))).toBe(
    "████████████░░░░░░░░░░░░  50 %  fetching example.com  1.4 s",
  );
});

test("a further attempt is numbered", () => {
  expect(bar(running(0, "fetching", 3))).toMatch(/attempt 3 · 1\.4 s$/);
});

test("all done is only said when all is done", () => {
  expect(bar(running(0.999, "saving"))).toContain(" 99 %");
  expect(bar(running(7, "saving"))).toContain("100 %");
});

test("without a fraction something still moves", () => {
  const picture = running(undefined, "thinking");
  const frames = [0, 80, 160].map((ms) => textOf(barLine(picture, STARTED_MS + ms, 80))[0]);
  expect(new Set(frames).size).toBe(3);
});

test.each([20, 40, 60, 200])("in %i columns it fits", (columns) => {
  const long = running(0.3, "收集资料 and a note that never seems to come to an end at all");
  expect(widthOf(bar(long, columns))).toBeLessThanOrEqual(columns);
});

test("a note can't command the terminal", () => {
  expect(bar(running(0, "\u001b[2Jgone\r\nnext"))).toContain("  \\u001b[2Jgone\\r\\nnext  ");
});

test("a task that waits says for what", () => {
  expect(bar({ ...NOTHING_YET, sinceMs: STARTED_MS })).toContain("waits for a worker");
  const retrying = { ...NOTHING_YET, state: TaskState.RETRYING, nextAttemptMs: STARTED_MS + 3_400 };
  expect(bar(retrying)).toContain("next attempt in 2.0 s");
});

test("a task that waits for its start time says for how long yet", () => {
  const nextAttemptMs = STARTED_MS + 61_400;
  expect(bar({ ...NOTHING_YET, state: TaskState.SCHEDULED, nextAttemptMs })).toContain(
    "starts in 1 min",
  );
});

test("a task that waits says why, once its time has come", () => {
  const waits = "no live worker serves a.B";
  const queued = { ...NOTHING_YET, sinceMs: STARTED_MS };
  expect(bar(queued)).toContain("waits for a worker");
  for (const state of [TaskState.QUEUED, TaskState.RETRYING, TaskState.SCHEDULED]) {
    expect(bar({ ...queued, state, waits })).toContain(`waits: ${waits}`);
  }
  const soon = { ...queued, waits, nextAttemptMs: STARTED_MS + 3_400 };
  expect(bar({ ...soon, state: TaskState.RETRYING })).toContain("next attempt in 2.0 s");
  expect(bar({ ...soon, state: TaskState.SCHEDULED })).toContain("starts in 2.0 s");
});

test("a type that no live worker serves has its alias, so that a terminal has room for all of it", () => {
  const name = "shop.v1.ShipOrder";
  const description = `no live worker serves ${name}; last seen 15 min ago`;
  const waitingReason = { reason: WaitingReason_Reason.NO_WORKER, description };
  const spec = { input: { typeUrl: `type.googleapis.com/${name}` } };
  const task = create(TaskSchema, { spec, waitingReason });
  const note = new WaitingNote(taskTypesOf([SHIP_ORDER]));
  note.snapshot(task);
  expect(note.text).toBe("no live worker serves order.ship; last seen 15 min ago");
  const unknown = new WaitingNote(taskTypesOf([]));
  unknown.snapshot(task);
  expect(unknown.text).toBe(description);
});

test("why a task waits is known from its snapshot on, and forgotten with its next step", () => {
  const note = new WaitingNote();
  const waitingReason = create(WaitingReasonSchema, { description: "nobody is there" });
  note.snapshot(create(TaskSchema, { sequence: 7n, waitingReason }));
  const step = (sequence: bigint) =>
    create(TaskEventSchema, { sequence, facet: { case: "state", value: {} } });
  // The history up to the snapshot comes after it.
  note.event(step(7n));
  expect(note.text).toBe("nobody is there");
  note.event(step(9n));
  expect(note.text).toBe("");
  note.told(waitingReason);
  expect(note.text).toBe("nobody is there");
  note.told(undefined);
  expect(note.text).toBe("");
});
