import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { decodeEvent, encodeEvent } from "#lib/broker/log/event-codec.ts";
import { checkpointOf } from "../../../services/worker/checkpoint-of.ts";

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

function nested(levels: number): JsonValue {
  return levels === 0 ? 1 : { in: nested(levels - 1) };
}

test("a checkpoint is nested no deeper than can be read again", () => {
  const data = encodeEvent({ case: "checkpoint", value: checkpointOf(1, nested(30)) });
  const stored = { subject: "mr.task.t.checkpoint", seq: 1, time: new Date(), data };
  expect(decodeEvent(stored)?.facet.case).toBe("checkpoint");
  for (const levels of [31, 2_000]) {
    expect(() => checkpointOf(1, nested(levels))).toThrow("nested deeper than 30 levels");
  }
});

test("what is no JSON is refused, and the error says why where that is known", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  for (const state of [undefined, () => 1, 1n, circle, Number.NaN, { at: 1 / 0 }] as unknown[]) {
    expect(() => checkpointOf(1, state as never)).toThrow(
      expect.objectContaining({ name: "PermanentError", code: "CHECKPOINT_NOT_JSON" }),
    );
  }
  expect(() => checkpointOf(1, 1n as never)).toThrow("BigInt");
  expect(() => checkpointOf(1, { at: Number.NaN })).toThrow('"at" is NaN');
});
