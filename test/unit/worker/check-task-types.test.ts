import { StringValueSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { checkTaskTypes } from "../../../services/worker/check-task-types.ts";

const TYPE: TaskTypeDefinition = {
  input: ValueSchema,
  output: StringValueSchema,
  alias: "test.type",
  description: "",
  handler: () => expect.unreachable("nobody runs it"),
};

const DAY_MS = 24 * 3_600_000;

test("task types are accepted whose limits can be kept", () => {
  const soft = { ...TYPE, input: StringValueSchema, softTimeoutMs: 299_999 };
  checkTaskTypes([{ ...TYPE, attemptTimeoutMs: DAY_MS, softTimeoutMs: 100 }, soft]);
});

test("a limit that no timer can keep is refused by name", () => {
  for (const attemptTimeoutMs of [30 * DAY_MS, Number.POSITIVE_INFINITY, Number.NaN, 0]) {
    const message = `test.type: attemptTimeoutMs is ${attemptTimeoutMs}, and must be from 100 to 86400000`;
    expect(() => checkTaskTypes([{ ...TYPE, attemptTimeoutMs }])).toThrow(message);
  }
});

test("a soft limit that would never be reached is refused", () => {
  const than = "must be less than its attemptTimeoutMs, which is";
  expect(() => checkTaskTypes([{ ...TYPE, attemptTimeoutMs: 200, softTimeoutMs: 200 }])).toThrow(
    `test.type: softTimeoutMs is 200, and ${than} 200`,
  );
  expect(() => checkTaskTypes([{ ...TYPE, softTimeoutMs: 300_000 }])).toThrow(`${than} 300000`);
});

test("two task types with the same input are refused, for a task could not say which one it means", () => {
  expect(() => checkTaskTypes([TYPE, TYPE])).toThrow(
    "two task types have the input google.protobuf.Value",
  );
});
