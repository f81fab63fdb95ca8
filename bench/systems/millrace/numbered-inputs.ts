import { create, createFileRegistry, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { MOST_TASK_TYPES } from "../../client/load.ts";

const PACKAGE = "bench.numbered";

/** How often a task is to report. */
type NumberedInput = Message & { reports: number };

const FILE = create(FileDescriptorProtoSchema, {
  name: "bench/numbered.proto",
  package: PACKAGE,
  syntax: "proto3",
  messageType: Array.from({ length: MOST_TASK_TYPES }, (_, index) => ({
    name: `Noop${index + 1}`,
    field: [
      {
        name: "reports",
        number: 1,
        label: FieldDescriptorProto_Label.OPTIONAL,
        type: FieldDescriptorProto_Type.INT32,
      },
    ],
  })),
});

/** Inputs that differ by name alone, for as many task types. */
export const NUMBERED_INPUTS: readonly GenMessage<NumberedInput>[] = messagesOfFile();

function messagesOfFile() {
  const registry = createFileRegistry(FILE, () => undefined);
  return FILE.messageType.map(
    ({ name }) => registry.getMessage(`${PACKAGE}.${name}`) as GenMessage<NumberedInput>,
  );
}
