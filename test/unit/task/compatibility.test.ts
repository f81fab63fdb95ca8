import { create, createFileRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { type DescribedType, incompatibilities } from "#lib/task/compatibility.ts";

const { STRING, INT64, MESSAGE, ENUM } = FieldDescriptorProto_Type;
const { REPEATED } = FieldDescriptorProto_Label;

type Field = MessageInitShape<typeof FieldDescriptorProtoSchema>;
type Message = MessageInitShape<typeof DescriptorProtoSchema>;

interface Given {
  readonly fields: readonly Field[];
  readonly others?: readonly Message[];
  readonly outputType?: string;
}

/** A type whose input has these fields. */
function release({ fields, others = [], outputType = "shop.Out" }: Given): DescribedType {
  const file = create(FileDescriptorProtoSchema, {
    name: "shop.proto",
    package: "shop",
    syntax: "proto3",
    messageType: [{ name: "In", field: [...fields] }, ...others],
    enumType: [{ name: "Size", value: [{ name: "SIZE_UNSPECIFIED", number: 0 }] }],
  });
  const type = create(TaskTypeSchema, { name: "shop.In", outputType });
  return { type, files: createFileRegistry(file, () => undefined) };
}

function field(name: string, number: number, more: Field = { type: STRING }): Field {
  return { name, number, ...more };
}

const TO = field("to", 1);

test("fields that are new or have a new name are none of its business", () => {
  const older = release({ fields: [TO] });
  const newest = release({ fields: [field("recipient", 1), field("copy", 2)] });
  expect(incompatibilities(older, newest)).toEqual([]);
});

test("a field that is gone is named", () => {
  const older = release({ fields: [TO, field("copy", 2)] });
  expect(incompatibilities(older, release({ fields: [TO] }))).toEqual([
    "shop.In.copy (field 2) is gone",
  ]);
});

const ENTRY: Message = {
  name: "CopyEntry",
  options: { mapEntry: true },
  field: [field("key", 1), field("value", 2, { type: INT64 })],
};

test.each<[string, Field, readonly Message[]]>([
  ["int64", { type: INT64 }, []],
  ["repeated string", { type: STRING, label: REPEATED }, []],
  ["shop.Size", { type: ENUM, typeName: ".shop.Size" }, []],
  ["shop.Other", { type: MESSAGE, typeName: ".shop.Other" }, [{ name: "Other" }]],
])("a field that has become %s is named with what it was", (kind, now, others) => {
  const older = release({ fields: [TO] });
  const newest = release({ fields: [field("to", 1, now)], others });
  expect(incompatibilities(older, newest)).toEqual([
    `shop.In.to (field 1) was string, and is ${kind}`,
  ]);
});

test("a map is compared with its keys and values", () => {
  const fields = [
    field("copy", 1, { type: MESSAGE, label: REPEATED, typeName: ".shop.In.CopyEntry" }),
  ];
  const withMap = release({ fields: [], others: [{ name: "Map", nestedType: [] }] });
  expect(incompatibilities(withMap, withMap)).toEqual([]);
  const file = create(FileDescriptorProtoSchema, {
    name: "shop.proto",
    package: "shop",
    syntax: "proto3",
    messageType: [{ name: "In", field: fields, nestedType: [ENTRY] }],
  });
  const { type } = release({ fields: [] });
  const newest = { type, files: createFileRegistry(file, () => undefined) };
  expect(incompatibilities(release({ fields: [field("copy", 1)] }), newest)).toEqual([
    "shop.In.copy (field 1) was string, and is map<string, int64>",
  ]);
});

test("messages within messages are compared too, each once", () => {
  const inner = (own: Field[]): Message => ({ name: "Inner", field: own });
  const fields = [
    field("a", 1, { type: MESSAGE, typeName: ".shop.Inner" }),
    field("b", 2, { type: MESSAGE, typeName: ".shop.Inner" }),
  ];
  const older = release({ fields, others: [inner([field("x", 1)])] });
  const newest = release({ fields, others: [inner([])] });
  expect(incompatibilities(older, newest)).toEqual(["shop.Inner.x (field 1) is gone"]);
});

test("the output is compared, and another one is named", () => {
  const out = (fields: Field[]): Message => ({ name: "Out", field: fields });
  const older = release({ fields: [TO], others: [out([field("id", 1)])] });
  const newest = release({ fields: [TO], others: [out([field("id", 1, { type: INT64 })])] });
  expect(incompatibilities(older, newest)).toEqual([
    "shop.Out.id (field 1) was string, and is int64",
  ]);
  const another = release({ fields: [], outputType: "shop.In" });
  expect(incompatibilities(older, another)).toEqual([
    "the output was shop.Out, and is shop.In",
    "shop.In.to (field 1) is gone",
  ]);
});
