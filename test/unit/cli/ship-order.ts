import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;

function field(name: string, jsonName: string, number: number, more: FieldInit): FieldInit {
  return { name, jsonName, number, label: Label.OPTIONAL, ...more } as FieldInit;
}

const FILE = create(FileDescriptorProtoSchema, {
  name: "shop/ship_order.proto",
  package: "shop.v1",
  syntax: "proto3",
  enumType: [
    {
      name: "Speed",
      value: [
        { name: "SPEED_UNSPECIFIED", number: 0 },
        { name: "SPEED_NEXT_DAY", number: 1 },
        { name: "SPEED_SLOW", number: 2 },
      ],
    },
  ],
  messageType: [
    { name: "Address", field: [field("street_name", "streetName", 1, { type: Type.STRING })] },
    {
      name: "ShipOrder",
      field: [
        field("order_id", "orderId", 1, { type: Type.INT64 }),
        field("fragile", "fragile", 2, { type: Type.BOOL }),
        field("items", "items", 3, { type: Type.STRING, label: Label.REPEATED }),
        field("to", "to", 4, { type: Type.MESSAGE, typeName: ".shop.v1.Address" }),
        field("speed", "speed", 5, { type: Type.ENUM, typeName: ".shop.v1.Speed" }),
      ],
    },
  ],
});

/** A task type that no generated code knows, as a worker would announce it. */
export const SHIP_ORDER: TaskType = create(TaskTypeSchema, {
  name: "shop.v1.ShipOrder",
  alias: "order.ship",
  descriptors: create(FileDescriptorSetSchema, { file: [FILE] }),
});
