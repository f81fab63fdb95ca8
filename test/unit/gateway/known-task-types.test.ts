import { create, createRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  type Any,
  AnySchema,
  anyPack,
  DurationSchema,
  EmptySchema,
  FieldMaskSchema,
  StringValueSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { StatusSchema } from "#gen/google/rpc/status_pb.ts";
import { GatewayStarting, InvalidField, TaskTypeUnknown } from "#lib/task/errors.ts";
import { defineTaskType } from "#lib/task/task-type.ts";
import { KnownTaskTypes } from "../../../services/gateway/known-task-types.ts";
import { announcedType } from "../../../services/worker/announced-type.ts";

const types = new KnownTaskTypes(createRegistry());
for (const input of [StatusSchema, FieldMaskSchema, TimestampSchema, DurationSchema]) {
  types.add(announcedType(typeOf(input)));
}

types.allRead();

test("a type that may not have been read yet is not said to be unknown", () => {
  const starting = new KnownTaskTypes(createRegistry());
  expect(() => starting.checkInput(unknown, "input")).toThrow(GatewayStarting);
  starting.allRead();
  expect(() => starting.checkInput(unknown, "input")).toThrow(TaskTypeUnknown);
});

function typeOf(input: DescMessage) {
  const handler = async () => ({});
  return defineTaskType({ input, output: EmptySchema, alias: "", description: "", handler });
}

function statusWith(...details: Any[]): Any {
  return anyPack(StatusSchema, create(StatusSchema, { details }));
}

const fine = anyPack(DurationSchema, create(DurationSchema, { seconds: 1n }));
const unknown = anyPack(StringValueSchema, create(StringValueSchema, { value: "a" }));
const broken = create(AnySchema, { ...fine, value: Uint8Array.of(0x08) });
const late = anyPack(TimestampSchema, create(TimestampSchema, { seconds: 300_000_000_000n }));
const twoSigns = anyPack(DurationSchema, create(DurationSchema, { seconds: 1n, nanos: -1 }));
const odd = anyPack(FieldMaskSchema, create(FieldMaskSchema, { paths: ["notSnake"] }));

test("an input with another message in it is taken, if that is known", () => {
  types.checkInput(statusWith(fine, statusWith(fine)), "input");
});

test.each([
  ["a message of no known type", statusWith(fine, unknown), "input.details[1]", "type registry"],
  ["bytes that are none", statusWith(broken), "input.details[0]", "can't be told as JSON"],
  ["a message that has one", statusWith(statusWith(unknown)), "input.details[0]", "type registry"],
  ["a time after the year 9999", late, "input", "9999-12-31"],
  ["a duration of two signs", twoSigns, "input", "sign"],
  ["a path that JSON can't spell", odd, "input", "irreversible"],
])("%s in an input is refused by its place, for nobody could read it as JSON", (_, ...rest) => {
  const [input, field, reason] = rest;
  const refused = errorOf(() => types.checkInput(input, "input"));
  expect(refused.faults).toEqual([{ field, description: expect.stringContaining(reason) }]);
});

test.each(["\u001b[31m", "two words.", "caf\u00e9.example"])(
  "a type URL that begins with %j is refused, for it would be shown as it is",
  (prefix) => {
    const input = create(AnySchema, { ...fine, typeUrl: `${prefix}/google.protobuf.Duration` });
    const field = "input.type_url";
    expect(errorOf(() => types.checkInput(input, "input")).faults).toEqual([
      { field, description: expect.stringContaining("control characters") },
    ]);
  },
);

test("bytes that are no text, or end too early, are refused with the reason", () => {
  const noText = create(AnySchema, { ...statusWith(), value: Uint8Array.of(0x12, 1, 0xff) });
  const cutOff = create(AnySchema, { ...statusWith(), value: Uint8Array.of(0x12, 9, 0x61) });
  for (const input of [noText, cutOff]) {
    const [fault] = errorOf(() => types.checkInput(input, "input")).faults;
    expect(fault?.field).toBe("input.value");
    expect(fault?.description).toMatch(/^is not a google.rpc.Status: ./);
  }
});

function errorOf(act: () => void): InvalidField {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidField) return error;
  }
  return expect.unreachable("expected an InvalidField");
}
