import { create, createFileRegistry, createRegistry, type Registry } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_empty,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";

/** Messages that are written to JSON in ways of their own. */
const WELL_KNOWN_PREFIX = "google.protobuf.";
const WELL_KNOWN = createRegistry(
  file_google_protobuf_empty,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
);

/**
 * The messages that name the types of tasks, as if they were empty. Tasks are shown without their inputs, so the names
 * are all that is needed to write them to JSON; the real ones may be unknown here, or not allowed to be empty.
 */
export class InputNames {
  readonly #learned = new Map<string, Registry>();
  #registry: Registry = WELL_KNOWN;

  get registry(): Registry {
    return this.#registry;
  }

  /** False for a name that can't be written to JSON on its own. */
  learn(typeName: string): boolean {
    if (typeName === "" || typeName === ValueSchema.typeName) return false;
    if (this.#registry.getMessage(typeName)) return true;
    if (typeName.startsWith(WELL_KNOWN_PREFIX)) return false;
    this.#learned.set(typeName, emptyMessage(typeName));
    this.#registry = createRegistry(WELL_KNOWN, ...this.#learned.values());
    return true;
  }
}

function emptyMessage(typeName: string): Registry {
  const dot = typeName.lastIndexOf(".");
  const file = create(FileDescriptorProtoSchema, {
    name: `${typeName}.proto`,
    package: typeName.slice(0, Math.max(dot, 0)),
    messageType: [{ name: typeName.slice(dot + 1) }],
    syntax: "proto3",
  });
  return createFileRegistry(file, () => undefined);
}
