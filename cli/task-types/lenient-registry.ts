import { create, createFileRegistry, type DescMessage, type Registry } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/**
 * Also knows messages that nobody has announced, as messages without fields: JSON that holds one shows its type, where
 * it could otherwise not be written at all.
 */
export function lenientRegistry(registry: Registry): Registry {
  return {
    ...registry,
    [Symbol.iterator]: () => registry[Symbol.iterator](),
    getMessage: (typeName) => registry.getMessage(typeName) ?? withoutFields(typeName),
  };
}

function withoutFields(typeName: string): DescMessage | undefined {
  const dot = typeName.lastIndexOf(".");
  const file = create(FileDescriptorProtoSchema, {
    name: `${typeName}.proto`,
    package: typeName.slice(0, Math.max(0, dot)),
    messageType: [{ name: typeName.slice(dot + 1) }],
    syntax: "proto3",
  });
  const files = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  return files.getMessage(typeName);
}
