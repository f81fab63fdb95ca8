import { toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { checkpointOf } from "../../../services/worker/checkpoints.ts";

test("a checkpoint keeps any JSON value", () => {
  for (const state of [null, 0, "", false, [], {}, { page: 3, seen: ["a", null] }]) {
    const checkpoint = checkpointOf(2, state);
    expect(checkpoint.attempt).toBe(2);
    expect(checkpoint.state && toJson(ValueSchema, checkpoint.state)).toEqual(state);
  }
});

test("what a checkpoint may have is counted in bytes, not in letters", () => {
  expect(() => checkpointOf(1, "é".repeat(8_191))).not.toThrow();
  expect(() => checkpointOf(1, "é".repeat(8_192))).toThrow(
    "16386 bytes as JSON; 16384 are allowed",
  );
});

test("what is no JSON is refused, and the error says why where that is known", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const state of [undefined, () => 1, 1n, circle] as unknown[]) {
    expect(() => checkpointOf(1, state as never)).toThrow(
      expect.objectContaining({ name: "PermanentError", code: "CHECKPOINT_NOT_JSON" }),
    );
  }
  expect(() => checkpointOf(1, 1n as never)).toThrow("BigInt");
});
