import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { Priority, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { asksForSame } from "../../../services/gateway/asks-for-same.ts";

const first = create(TaskSpecSchema, {
  queue: "slow",
  priority: Priority.LOW,
  labels: { team: "a" },
  keepFor: durationFromMs(1_000),
});

test("what a repeat leaves open is as it was the first time", () => {
  expect(asksForSame(create(TaskSpecSchema, { labels: { team: "a" } }), first)).toBe(true);
  expect(asksForSame(first, first)).toBe(true);
});

test("what a repeat says must be what the first submit got", () => {
  expect(asksForSame({ ...first, queue: "default" }, first)).toBe(false);
  expect(asksForSame({ ...first, priority: Priority.NORMAL }, first)).toBe(false);
  expect(asksForSame({ ...first, labels: {} }, first)).toBe(false);
  expect(asksForSame({ ...first, keepFor: durationFromMs(2_000) }, first)).toBe(false);
});
