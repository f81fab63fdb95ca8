import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { checkTimes, pastTimes } from "../../../services/gateway/check-times.ts";

const NOW = 1_800_000_000_000;
const RULES = { historyMs: 7 * 86_400_000, nowMs: NOW, typeTimeout: durationFromMs(300_000) };

type Spec = MessageInitShape<typeof TaskSpecSchema>;
const DELAYED: Spec = { start: { case: "delay", value: durationFromMs(5_000) } };
const TIMED: Spec = { start: { case: "startTime", value: timestampFromMs(NOW + 5_000) } };
const EXPIRES: Spec = { expiry: { case: "expireTime", value: timestampFromMs(NOW + 10_000) } };

describe.each([
  ["a delay", DELAYED],
  ["a start time", TIMED],
])("a task with %s that expires later than that", (_, start) => {
  const spec = create(TaskSpecSchema, { ...start, ...EXPIRES });

  test("is accepted", () => {
    expect(() => checkTimes(spec, "spec", RULES)).not.toThrow();
    expect(pastTimes(spec, "spec", NOW)).toBeUndefined();
  });

  test.each([7_000, 20_000])("is not wrong when its submit is repeated %s ms later", (laterMs) => {
    const rules = { ...RULES, nowMs: NOW + laterMs };
    expect(() => checkTimes(spec, "spec", rules)).not.toThrow();
  });

  test("comes too late when it is new by then", () => {
    const { faults } = pastTimes(spec, "spec", NOW + 20_000) ?? {};
    expect(faults).toMatchObject([{ field: expect.stringMatching(/^spec\.(start|expire)_time$/) }]);
  });
});

test("a task that would expire before it starts is refused", () => {
  const delay = { case: "delay" as const, value: durationFromMs(20_000) };
  const spec = create(TaskSpecSchema, { ...EXPIRES, start: delay });
  expect(pastTimes(spec, "spec", NOW)?.faults).toEqual([
    { field: "spec.expire_time", description: "must be later than its start" },
  ]);
});

test("a time with nanos that no JSON could tell is refused, by its field", () => {
  const nanos = (value: number, seconds = 1n) => ({ seconds, nanos: value });
  const spec = create(TaskSpecSchema, {
    start: { case: "startTime", value: nanos(-1, BigInt(NOW / 1_000 + 60)) },
    expiry: { case: "ttl", value: nanos(1_000_000_000) },
    taskTimeout: nanos(999_999_999),
    retryPolicy: { maxBackoff: nanos(-5) },
  });
  const check = () => checkTimes(spec, "spec", RULES);
  expect(check).toThrow("spec.start_time: its nanos must be from 0 to 999,999,999 (and 2 more)");
});

test("a task can't be kept for longer than the history is, and for as long as that", () => {
  const kept = (ms: number) => create(TaskSpecSchema, { keepFor: durationFromMs(ms) });
  const check = (ms: number) => checkTimes(kept(ms), "spec", RULES);
  expect(() => check(RULES.historyMs)).not.toThrow();
  expect(() => check(RULES.historyMs + 1)).toThrow(
    "spec.keep_for: may not exceed 604800 s: the history is kept no longer",
  );
});

test("a soft timeout is below the timeout that holds: the task's own, or that of its type", () => {
  const check = (soft: number, own?: number) => {
    const given = own === undefined ? {} : { attemptTimeout: durationFromMs(own) };
    const spec = create(TaskSpecSchema, { attemptSoftTimeout: durationFromMs(soft), ...given });
    return () => checkTimes(spec, "spec", RULES);
  };
  expect(check(299_999)).not.toThrow();
  expect(check(300_000)).toThrow(
    "spec.attempt_soft_timeout: must be less than attempt_timeout, which is 300 s for this task type",
  );
  expect(check(300_000, 300_001)).not.toThrow();
  expect(check(1_000, 1_000)).toThrow(
    "spec.attempt_soft_timeout: must be less than attempt_timeout",
  );
});
