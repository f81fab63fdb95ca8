import { create, createRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  type Any,
  AnySchema,
  anyPack,
  DurationSchema,
  EmptySchema,
  FieldMaskSchema,
  FileDescriptorProtoSchema,
  StringValueSchema,
  TimestampSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { StatusSchema } from "#gen/google/rpc/status_pb.ts";
import type { Announcement } from "#lib/task/announced-types.ts";
import { GatewayStarting, InvalidField, TaskTypeUnknown } from "#lib/task/errors.ts";
import { defineTaskType } from "#lib/task/task-type.ts";
import { QUIET } from "#test/support/broker.ts";
import { KnownTaskTypes } from "../../../services/gateway/known-task-types.ts";
import { announcedType } from "../../../services/worker/announced-type.ts";

const types = new KnownTaskTypes(createRegistry(), QUIET, () => 0);
types.update(
  [StatusSchema, FieldMaskSchema, TimestampSchema, DurationSchema].map((input) => ({
    type: announcedType(typeOf(input)),
    seenMs: 0,
  })),
);

test("a type that may not have been read yet is not said to be unknown", () => {
  const starting = new KnownTaskTypes(createRegistry(), QUIET, () => 0);
  expect(() => starting.checkInput(unknown, "input")).toThrow(GatewayStarting);
  expect(() => starting.resolve("an.alias", "filter.task_type")).toThrow(GatewayStarting);
  starting.update([]);
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

/** A release of a type, as its worker announces it. */
function announced(
  input: DescMessage,
  {
    alias = "",
    seenMs = 0,
    description = "",
  }: Partial<Record<"alias" | "description", string>> & { seenMs?: number },
): Announcement {
  return { type: announcedType({ ...typeOf(input), alias, description }), seenMs };
}

function knowing(announcements: readonly Announcement[], nowMs = () => 0) {
  const warnings: object[] = [];
  const log = { ...QUIET, warn: (fields: object) => void warnings.push(fields) };
  const known = new KnownTaskTypes(createRegistry(), log, nowMs);
  known.update(announcements);
  return { known, warnings };
}

test("a worker that only repeats what it announces has nothing built anew", () => {
  const first = announced(DurationSchema, {});
  const { known } = knowing([first]);
  const { registry } = known;
  known.update([{ ...first, seenMs: 60_000 }]);
  expect(known.registry).toBe(registry);
  expect(known.lastSeenMs(DurationSchema.typeName)).toBe(60_000);
  known.update([announced(DurationSchema, { description: "another" })]);
  expect(known.registry).not.toBe(registry);
});

test("a type leaves the list, and can't be submitted, when its entry is gone", () => {
  const { known } = knowing([announced(DurationSchema, {})]);
  known.update([]);
  expect(known.list()).toEqual([]);
  expect(() => known.checkInput(fine, "input")).toThrow(TaskTypeUnknown);
});

test("a type that can't be used does not hide the others", () => {
  const good = announced(DurationSchema, {});
  const bad = announced(TimestampSchema, {});
  bad.type.descriptors?.file.push(create(FileDescriptorProtoSchema, { dependency: ["no.proto"] }));
  const { known } = knowing([bad, good]);
  expect(known.list().map(({ name }) => name)).toEqual([DurationSchema.typeName]);
});

test("a type is meant by its name and by its alias", () => {
  const { known } = knowing([announced(DurationSchema, { alias: "wait" })]);
  for (const given of ["wait", DurationSchema.typeName]) {
    expect(known.resolve(given, "filter.task_type")).toBe(DurationSchema.typeName);
  }
  expect(known.resolve("gone.v1.Type", "filter.task_type")).toBe("gone.v1.Type");
  expect(known.namesOf(fine)).toEqual([DurationSchema.typeName, "wait"]);
});

test("an alias that two types at work have means neither, and that is told", () => {
  const { known, warnings } = knowing([
    announced(DurationSchema, { alias: "wait" }),
    announced(TimestampSchema, { alias: "wait" }),
  ]);
  expect(errorOf(() => known.resolve("wait", "filter.task_type")).message).toContain(
    "google.protobuf.Timestamp and google.protobuf.Duration",
  );
  expect(known.namesOf(fine)).toEqual([DurationSchema.typeName]);
  expect(known.list().map(({ conflicts }) => conflicts.length)).toEqual([1, 1]);
  expect(warnings).toHaveLength(2);
  // Once is enough.
  known.update([
    announced(DurationSchema, { alias: "wait" }),
    announced(TimestampSchema, { alias: "wait" }),
  ]);
  expect(warnings).toHaveLength(2);
});

test("what does not fit together is told as long as workers may be at work", () => {
  let nowMs = 0;
  const { known } = knowing(
    [announced(DurationSchema, { alias: "wait" }), announced(TimestampSchema, { alias: "wait" })],
    () => nowMs,
  );
  expect(known.conflicts).toHaveLength(2);
  nowMs = 180_000;
  expect(known.conflicts).toEqual([]);
  expect(known.list().flatMap(({ conflicts }) => conflicts)).toEqual([]);
});

test("a type whose workers have gone leaves its alias to the next one", () => {
  const { known } = knowing([
    announced(DurationSchema, { alias: "wait", seenMs: 0 }),
    announced(TimestampSchema, { alias: "wait", seenMs: 200_000 }),
  ]);
  expect(known.resolve("wait", "filter.task_type")).toBe(TimestampSchema.typeName);
  expect(known.list().map(({ alias }) => alias)).toEqual(["", "wait"]);
  expect(known.conflicts).toEqual([]);
});
