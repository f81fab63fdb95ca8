import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { defineTaskType } from "#lib/task/task-type.ts";

test("a definition is what it was given", () => {
  const definition = {
    input: StringValueSchema,
    output: StringValueSchema,
    alias: "echo",
    description: "Echoes.",
    handler: ({ input }: { input: { value: string } }) => Promise.resolve({ value: input.value }),
  };
  expect(defineTaskType(definition)).toBe(definition);
});
