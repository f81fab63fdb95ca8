import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { didYouMean } from "#lib/process/did-you-mean.ts";
import { fieldsIn } from "./json-form.ts";

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The field of that name, as JSON or as the .proto file spells it; else an error that names those there are. */
export function fieldNamed(name: string, message: DescMessage): DescField {
  const field = message.fields.find((one) => one.jsonName === name || one.name === name);
  if (field) return field;
  const names = message.fields.map((one) => one.name);
  const hint = didYouMean(name, names);
  const allowed = names.length === 0 ? "it has no fields" : `fields: ${names.join(", ")}`;
  throw new CliError(`${message.name} has no field "${name}"${hint}; ${allowed}`, {
    exitCode: ExitCode.USAGE,
  });
}

/** Refuses a field that the message does not have, however deep. */
export function refuseUnknownFields(json: JsonObject, message: DescMessage): void {
  for (const [name, value] of Object.entries(json)) {
    if (isExtension(name)) continue;
    const field = fieldNamed(name, message);
    const inner = fieldsIn(field);
    if (inner === undefined) continue;
    for (const item of itemsOf(field, value)) {
      if (isJsonObject(item)) refuseUnknownFields(item, inner);
    }
  }
}

/** Written as "[full.name]"; the decoder knows which there are. */
function isExtension(name: string): boolean {
  return name.startsWith("[");
}

function itemsOf(field: DescField, value: JsonValue): readonly JsonValue[] {
  if (field.fieldKind === "map") return isJsonObject(value) ? Object.values(value) : [];
  return Array.isArray(value) ? value : [value];
}
