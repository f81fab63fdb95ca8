import { create, type DescFile, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";

const WELL_KNOWN: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;

/** A field of a message that JSON writes in a way of its own. */
function own(name: string, typeName: string, label = Label.OPTIONAL): FieldInit {
  return { name, label, type: Type.MESSAGE, typeName: `.google.protobuf.${typeName}` };
}

const FIELDS: readonly FieldInit[] = [
  own("int", "Int32Value"),
  own("flag", "BoolValue"),
  own("text", "StringValue"),
  own("blob", "BytesValue"),
  own("struct", "Struct"),
  own("anything", "Value"),
  own("list", "ListValue"),
  own("time", "Timestamp"),
  own("wait", "Duration"),
  own("mask", "FieldMask"),
  own("any", "Any"),
  own("waits", "Duration", Label.REPEATED),
  own("values", "Value", Label.REPEATED),
  { name: "null", label: Label.OPTIONAL, type: Type.ENUM, typeName: ".google.protobuf.NullValue" },
  { name: "raw", label: Label.OPTIONAL, type: Type.BYTES },
  { name: "mode", label: Label.OPTIONAL, type: Type.ENUM, typeName: ".forms.v1.Mode" },
  { name: "counts", label: Label.REPEATED, type: Type.MESSAGE, typeName: ".forms.v1.Every.Counts" },
  { name: "modes", label: Label.REPEATED, type: Type.ENUM, typeName: ".forms.v1.Mode" },
];

const FILE = create(FileDescriptorProtoSchema, {
  name: "forms/every.proto",
  package: "forms.v1",
  syntax: "proto3",
  dependency: WELL_KNOWN.map(({ proto }) => proto.name),
  enumType: [
    {
      name: "Mode",
      value: [
        { name: "unset", number: 0 },
        { name: "slow", number: 1 },
      ],
    },
  ],
  messageType: [
    {
      name: "Every",
      field: FIELDS.map((field, index) => ({ ...field, number: index + 1 }) as FieldInit),
      nestedType: [
        {
          name: "Counts",
          options: { mapEntry: true },
          field: [
            { name: "key", number: 1, label: Label.OPTIONAL, type: Type.STRING },
            { ...own("value", "Int64Value"), number: 2 } as FieldInit,
          ],
        },
      ],
    },
  ],
});

/** A task type that takes this message; fields of all forms are in forms.v1.Every. */
export function typeOf(name: string): TaskType {
  const file = [...WELL_KNOWN.map(({ proto }) => proto), FILE];
  return create(TaskTypeSchema, { name, descriptors: create(FileDescriptorSetSchema, { file }) });
}
