import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { taskLines } from "#cli/commands/task-lines.ts";
import { taskTypesOf } from "#cli/task-types/task-types.ts";
import { TaskSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";

type Init = MessageInitShape<typeof TaskSchema>;

const { CANCELED, EXPIRED, FAILED, QUEUED, RETRYING, RUNNING, SUCCEEDED } = TaskState;

/** The names and values of the fields that are shown. */
function shown(init: Init): Readonly<Record<string, string>> {
  const [, ...lines] = taskLines(create(TaskSchema, { id: "a", ...init }), taskTypesOf([]));
  return Object.fromEntries(lines.map((line) => line.trim().split(/ {2,}/)));
}

test("limits of a task are shown until it has ended", () => {
  const limits = { expireTime: timestampFromMs(0), deadline: timestampFromMs(1_000) };
  for (const state of [QUEUED, RUNNING]) {
    expect(shown({ ...limits, state })).toMatchObject({
      expires: "1970-01-01T00:00:00.000Z",
      deadline: "1970-01-01T00:00:01.000Z",
    });
  }
  for (const state of [SUCCEEDED, FAILED, CANCELED, EXPIRED]) {
    const names = Object.keys(shown({ ...limits, state }));
    expect(names).not.toContain("expires");
    expect(names).not.toContain("deadline");
  }
});

test("an error is the last one, unless the task failed for it", () => {
  const error = { code: "DNS", message: "no host", time: timestampFromMs(0) };
  const failed = shown({ error, state: FAILED });
  expect(failed).toMatchObject({ error: "no host (DNS)", failed: "1970-01-01T00:00:00.000Z" });
  for (const state of [SUCCEEDED, RETRYING, RUNNING, CANCELED]) {
    const fields = shown({ error, state });
    expect(fields).toMatchObject({
      "last error": "no host (DNS)",
      "last failed": "1970-01-01T00:00:00.000Z",
    });
    expect(fields).not.toHaveProperty("error");
    expect(fields).not.toHaveProperty("failed");
  }
});

test("how long a task is kept is shown if it was said", () => {
  expect(shown({ spec: {} })).not.toHaveProperty("keep for");
  const spec = { keepFor: durationFromMs(3_600_000) };
  expect(shown({ spec })).toMatchObject({ "keep for": "1 h 0 min once it has ended" });
});
