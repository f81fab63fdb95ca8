import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/**
 * How JSON writes a message: by its fields; as an object with members of any name; as anything at all; as a list; as the
 * one value that it wraps; or as a text.
 */
export type JsonForm = "fields" | "members" | "anything" | "list" | "wrapped" | "text";

const OWN_FORMS: ReadonlyMap<string, JsonForm> = new Map<string, JsonForm>([
  ["google.protobuf.Any", "members"],
  ["google.protobuf.Struct", "members"],
  ["google.protobuf.Value", "anything"],
  ["google.protobuf.ListValue", "list"],
  ["google.protobuf.Timestamp", "text"],
  ["google.protobuf.Duration", "text"],
  ["google.protobuf.FieldMask", "text"],
]);

export function jsonFormOf(message: DescMessage): JsonForm {
  return isWrapperDesc(message) ? "wrapped" : (OWN_FORMS.get(message.typeName) ?? "fields");
}

/** Whether JSON has an object for it, which pairs can be put into. */
export function isObjectInJson(message: DescMessage): boolean {
  return ["fields", "members", "anything"].includes(jsonFormOf(message));
}

/** The message that the field holds one, or many, of, if JSON writes it by its fields. */
export function fieldsIn({ message }: DescField): DescMessage | undefined {
  return message && jsonFormOf(message) === "fields" ? message : undefined;
}
