import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { StateChangeSchema, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { fold } from "#lib/task/fold.ts";
import { isTimed, timesOf } from "#lib/task/times.ts";

type Spec = MessageInitShape<typeof TaskSpecSchema>;
const specOf = (spec: Spec) => create(TaskSpecSchema, spec);

const DELAY: Spec = { start: { case: "delay", value: durationFromMs(500) } };
const TTL: Spec = { expiry: { case: "ttl", value: durationFromMs(30) } };
const TIMEOUT: Spec = { taskTimeout: durationFromMs(7) };

describe("the times of a task that was accepted at 1000", () => {
  const none = { startMs: undefined, expireMs: undefined, deadlineMs: undefined };
  const at = (ms: number) => timestampFromMs(ms);

  test.each<[string, Spec, object]>([
    ["it may start at once, and for as long as it likes", {}, none],
    ["a delay counts from then", DELAY, { ...none, startMs: 1_500 }],
    [
      "a start time is taken as it is",
      { start: { case: "startTime", value: at(2_000) } },
      { ...none, startMs: 2_000 },
    ],
    [
      "a start time that is past is none",
      { start: { case: "startTime", value: at(900) }, ...TIMEOUT },
      { ...none, deadlineMs: 1_007 },
    ],
    [
      "an expire time is taken as it is",
      { expiry: { case: "expireTime", value: at(1_001) } },
      { ...none, expireMs: 1_001 },
    ],
    [
      "a ttl counts from its start",
      { ...DELAY, ...TTL },
      { ...none, startMs: 1_500, expireMs: 1_530 },
    ],
    [
      "so does its timeout",
      { ...DELAY, ...TIMEOUT },
      { ...none, startMs: 1_500, deadlineMs: 1_507 },
    ],
  ])("%s", (_, spec, times) => {
    expect(timesOf(specOf(spec), 1_000)).toEqual(times);
  });

  test.each<[boolean, Spec]>([
    [false, {}],
    [true, DELAY],
    [true, TTL],
    [true, TIMEOUT],
  ])("whether they depend on that is %s", (isSo, spec) => {
    expect(isTimed(specOf(spec))).toBe(isSo);
  });

  test("started again, it neither waits nor expires, and its timeout counts anew", () => {
    const last = create(StateChangeSchema, { restartTime: at(9_000) });
    expect(timesOf(specOf({ ...DELAY, ...TTL, ...TIMEOUT }), 1_000, last)).toEqual({
      startMs: undefined,
      expireMs: undefined,
      deadlineMs: 9_007,
    });
  });
});

describe("a task as it stands says its times", () => {
  const event = { taskId: "t", time: timestampFromMs(1_000), sequence: 1n };
  const accepted = (spec: Spec) => ({
    ...event,
    $typeName: "millrace.v1.TaskEvent" as const,
    reports: [],
    facet: { case: "spec" as const, value: specOf(spec) },
  });

  test("with a start time to come it is SCHEDULED, and says for when", () => {
    expect(fold([accepted({ ...DELAY, ...TTL, ...TIMEOUT })])).toMatchObject({
      state: TaskState.SCHEDULED,
      nextAttemptTime: timestampFromMs(1_500),
      expireTime: timestampFromMs(1_530),
      deadline: timestampFromMs(1_507),
    });
  });

  test("once started it does not expire any more", () => {
    const running = create(StateChangeSchema, {
      state: TaskState.RUNNING,
      startTime: timestampFromMs(1_010),
    });
    const task = fold([
      accepted({ ...TTL, ...TIMEOUT }),
      { ...accepted({}), sequence: 2n, facet: { case: "state", value: running } },
    ]);
    expect(task?.expireTime).toBeUndefined();
    expect(task?.deadline).toEqual(timestampFromMs(1_007));
  });
});
