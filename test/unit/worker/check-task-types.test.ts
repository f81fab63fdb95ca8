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
  const soft = { ...TYPE, input: StringValueSchema, alias: "test.soft", softTimeoutMs: 299_999 };
  checkTaskTypes([{ ...TYPE, attemptTimeoutMs: DAY_MS, softTimeoutMs: 100 }, soft]);
});

test("a limit that no timer can keep is refused by name", () => {
  for (const attemptTimeoutMs of [30 * DAY_MS, Number.POSITIVE_INFINITY, Number.NaN, 0]) {
    const message = `test.type: attemptTimeoutMs is ${attemptTimeoutMs}, and must be from 100 to 86400000`;
    expect(() => checkTaskTypes([{ ...TYPE, attemptTimeoutMs }])).toThrow(message);
  }
});

test("a time to be kept that no task could bring is refused by name", () => {
  checkTaskTypes([{ ...TYPE, keepForMs: 366 * DAY_MS }]);
  for (const keepForMs of [0, 367 * DAY_MS]) {
    const message = `test.type: keepForMs is ${keepForMs}, and must be from 1 to ${366 * DAY_MS}`;
    expect(() => checkTaskTypes([{ ...TYPE, keepForMs }])).toThrow(message);
  }
});

test("a soft limit that would never be reached is refused", () => {
  const than = "must be less than its attemptTimeoutMs, which is";
  expect(() => checkTaskTypes([{ ...TYPE, attemptTimeoutMs: 200, softTimeoutMs: 200 }])).toThrow(
    `test.type: softTimeoutMs is 200, and ${than} 200`,
  );
  expect(() => checkTaskTypes([{ ...TYPE, softTimeoutMs: 300_000 }])).toThrow(`${than} 300000`);
});

test("a retry policy that no task could bring is refused by name", () => {
  const wrong = [
    [{ maxAttempts: 0 }, "maxAttempts is 0, and must be from 1 to 100"],
    [{ maxAttempts: 2.5 }, "maxAttempts is 2.5, and must be a whole number"],
    [{ initialBackoffMs: Number.NaN }, "initialBackoffMs is NaN, and must be from 250 to 3600000"],
    [
      { maxBackoffMs: 30 * DAY_MS },
      `maxBackoffMs is ${30 * DAY_MS}, and must be from 250 to 86400000`,
    ],
    [{ backoffMultiplier: 0.5 }, "backoffMultiplier is 0.5, and must be from 1 to 10"],
    [{ jitter: 5 }, "jitter is 5, and must be from 0 to 1"],
  ] as const;
  for (const [retry, message] of wrong) {
    expect(() => checkTaskTypes([{ ...TYPE, retry }])).toThrow(`test.type: retry: ${message}`);
  }
  checkTaskTypes([{ ...TYPE, retry: { maxAttempts: 100, jitter: 0 } }]);
});

test("two task types with the same input are refused, for a task could not say which one it means", () => {
  expect(() => checkTaskTypes([TYPE, TYPE])).toThrow(
    "two task types have the input google.protobuf.Value",
  );
});

test("an alias that means two task types is refused, and none is not", () => {
  const other = { ...TYPE, input: StringValueSchema };
  expect(() => checkTaskTypes([TYPE, other])).toThrow(
    "the alias test.type of google.protobuf.StringValue means google.protobuf.Value too",
  );
  const named = { ...other, alias: "google.protobuf.Value" };
  expect(() => checkTaskTypes([TYPE, named])).toThrow("means google.protobuf.Value too");
  checkTaskTypes([
    { ...TYPE, alias: "" },
    { ...other, alias: "" },
  ]);
});
