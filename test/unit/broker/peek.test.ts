import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ProgressSchema, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { endsTask, hasKeepFor } from "#lib/broker/log/peek.ts";

type Facet = MessageInitShape<typeof TaskEventSchema>["facet"];

function stored(facet: Facet): Uint8Array {
  const reports = [create(ProgressSchema, { attempt: 1, note: "said last" })];
  return toBinary(TaskEventSchema, create(TaskEventSchema, { ...(facet && { facet }), reports }));
}

const LABELS = { queue: "default", labels: { order: "4711" } };
const NO_EVENTS = [
  new Uint8Array(),
  Uint8Array.of(7),
  Uint8Array.of(0x2a, 0xff),
  new Uint8Array(9),
];

test("a state change says whether it ends its task", () => {
  for (const state of [
    TaskState.SUCCEEDED,
    TaskState.FAILED,
    TaskState.CANCELED,
    TaskState.EXPIRED,
  ])
    expect(endsTask(stored({ case: "state", value: { state, attempt: 3 } }))).toBe(true);
  for (const state of [TaskState.UNSPECIFIED, TaskState.QUEUED, TaskState.RUNNING])
    expect(endsTask(stored({ case: "state", value: { state, workerId: "w" } }))).toBe(false);
  expect(endsTask(stored({ case: "spec", value: LABELS }))).toBe(false);
  expect(endsTask(stored(undefined))).toBe(false);
  for (const bytes of NO_EVENTS) expect(endsTask(bytes)).toBe(false);
});

test("a spec says whether it has a keep_for", () => {
  const keepFor = durationFromMs(1_000);
  expect(hasKeepFor(stored({ case: "spec", value: { ...LABELS, keepFor } }))).toBe(true);
  expect(hasKeepFor(stored({ case: "spec", value: LABELS }))).toBe(false);
  expect(hasKeepFor(stored({ case: "state", value: { state: TaskState.RUNNING } }))).toBe(false);
  for (const bytes of NO_EVENTS) expect(hasKeepFor(bytes)).toBe(false);
});
