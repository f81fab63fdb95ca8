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
  ["is missing", undefined, "it is a message without a type, not a google.protobuf.StringValue"],
  [
    "is of another type",
    anyPack(StructSchema, create(StructSchema)),
    "it is a google.protobuf.Struct, not a google.protobuf.StringValue",
  ],
  [
    "is garbage",
    { ...TEXT, value: Uint8Array.of(0x0a, 0x7f) },
    "as this worker knows google.protobuf.StringValue: ",
  ],
])("no later attempt is made at an input that %s, and it says why", (_, input, why) => {
  const read = () => readInput(StringValueSchema, input);
  expect(read).toThrow(PermanentError);
  expect(read).toThrow(`the input can't be read, ${why}`);
});
