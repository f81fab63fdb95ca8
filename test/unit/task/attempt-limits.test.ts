import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { attemptLimits } from "#lib/task/attempt-limits.ts";

const NOW = 1_800_000_000_000;
const TYPE = { attemptTimeoutMs: 10_000, softTimeoutMs: undefined };
const SPEC = create(TaskSpecSchema);
const NO_DEADLINE = { nowMs: NOW, deadlineMs: undefined };

function own(softMs: number, hardMs: number) {
  return create(TaskSpecSchema, {
    attemptSoftTimeout: durationFromMs(softMs),
    attemptTimeout: durationFromMs(hardMs),
  });
}

test("a task that brings no limits gets its type's", () => {
  const limits = { softMs: undefined, hardMs: 10_000, endsTask: false };
  expect(attemptLimits(SPEC, TYPE, NO_DEADLINE)).toEqual(limits);
  expect(attemptLimits(undefined, TYPE, NO_DEADLINE)).toEqual(limits);
  const soft = { ...TYPE, softTimeoutMs: 4_000 };
  expect(attemptLimits(SPEC, soft, NO_DEADLINE)).toMatchObject({ softMs: 4_000 });
});

test("a task's own limits come before its type's", () => {
  const type = { attemptTimeoutMs: 10_000, softTimeoutMs: 4_000 };
  expect(attemptLimits(own(200, 300), type, NO_DEADLINE)).toEqual({
    softMs: 200,
    hardMs: 300,
    endsTask: false,
  });
});

test("a soft limit that does not come before the hard one is none", () => {
  expect(attemptLimits(own(300, 300), TYPE, NO_DEADLINE).softMs).toBeUndefined();
  const near = { nowMs: NOW, deadlineMs: NOW + 150 };
  expect(attemptLimits(own(200, 300), TYPE, near).softMs).toBeUndefined();
});

test("the task's deadline is the limit when it comes first, and then it ends the task", () => {
  const limitsAt = (deadlineMs: number) => attemptLimits(SPEC, TYPE, { nowMs: NOW, deadlineMs });
  expect(limitsAt(NOW + 10_001)).toMatchObject({ hardMs: 10_000, endsTask: false });
  expect(limitsAt(NOW + 2_000)).toMatchObject({ hardMs: 2_000, endsTask: true });
  expect(limitsAt(NOW - 1)).toMatchObject({ hardMs: 0, endsTask: true });
});
