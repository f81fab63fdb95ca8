import { create } from "@bufbuild/protobuf";
import { anyPack, StringValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { readInput } from "../../../services/worker/read-input.ts";

const TEXT = anyPack(StringValueSchema, create(StringValueSchema, { value: "text" }));

test("an input is handed to the handler as its own message", () => {
  expect(readInput(StringValueSchema, TEXT).value).toBe("text");
});

test.each([
  ["is missing", undefined],
  ["is of another type", anyPack(StructSchema, create(StructSchema))],
  ["is garbage", { ...TEXT, value: Uint8Array.of(0x0a, 0x7f) }],
])("no later attempt is made at an input that %s", (_, input) => {
  expect(() => readInput(StringValueSchema, input)).toThrow(PermanentError);
});
