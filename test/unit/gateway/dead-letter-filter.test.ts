import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type StateChangeSchema, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { DeadLetterFilterSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { refuseTask } from "#lib/task/next-state.ts";
import { failedSo } from "../../../services/gateway/dead-letter-filter.ts";

const event = (change: MessageInitShape<typeof StateChangeSchema>) =>
  create(TaskEventSchema, {
    time: { seconds: 100n, nanos: 0 },
    facet: { case: "state", value: change },
  });

const filter = (init: MessageInitShape<typeof DeadLetterFilterSchema> = {}) =>
  create(DeadLetterFilterSchema, init);

test("only what failed for good is a dead letter", () => {
  const { FAILED, CANCELED, EXPIRED, SUCCEEDED, RETRYING } = TaskState;
  expect(failedSo(event({ state: FAILED, attempt: 1 }), filter())).toBe(true);
  for (const state of [CANCELED, EXPIRED, SUCCEEDED, RETRYING]) {
    expect(failedSo(event({ state, attempt: 1 }), filter())).toBe(false);
  }
});

test("a refused submit and a deleted task are no dead letters", () => {
  expect(failedSo(event(refuseTask("default")), filter())).toBe(false);
  const deleted = { state: TaskState.FAILED, attempt: 1, deleted: true };
  expect(failedSo(event(deleted), filter())).toBe(false);
});

test("the time of the failure counts from failed_after to just before failed_before", () => {
  const failed = event({ state: TaskState.FAILED, attempt: 1 });
  const at = (seconds: bigint) => ({ seconds, nanos: 0 });
  expect(failedSo(failed, filter({ failedAfter: at(100n) }))).toBe(true);
  expect(failedSo(failed, filter({ failedAfter: at(101n) }))).toBe(false);
  expect(failedSo(failed, filter({ failedBefore: at(101n) }))).toBe(true);
  expect(failedSo(failed, filter({ failedBefore: at(100n) }))).toBe(false);
});
