import type { DescEnum, DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { didYouMean } from "#lib/process/did-you-mean.ts";
import { fieldNamed, isJsonObject, messageIn } from "./json-fields.ts";
import { parseJson } from "./parse-json.ts";

/** `key=value` of the command line. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

export function parsePair(given: string): Pair {
  const at = given.indexOf("=");
  if (at > 0) return { key: given.slice(0, at), value: given.slice(at + 1) };
  throw new CliError(`"${given}" is neither key=value nor a JSON object ({"key": "value"})`, {
    exitCode: ExitCode.USAGE,
  });
}

/**
 * Puts a pair into the JSON form of a message. The key may lead into inner messages by dots; a repeated field grows with
 * every pair; an enum's value may be given by the last part of its name.
 */
export function putPair(json: JsonObject, message: DescMessage, { key, value }: Pair): void {
  const dot = key.indexOf(".");
  const field = fieldNamed(dot < 0 ? key : key.slice(0, dot), message);
  if (dot < 0) {
    put(json, field, value);
    return;
  }
  const rest = key.slice(dot + 1);
  const inner = innerOf(json, field);
  if (field.fieldKind === "map") {
    inner[rest] = jsonOf(value, field, key);
    return;
  }
  const innerMessage = messageIn(field);
  if (innerMessage === undefined || field.fieldKind === "list") {
    throw new CliError(`"${key}": ${field.name} holds no single message`, {
      exitCode: ExitCode.USAGE,
    });
  }
  putPair(inner, innerMessage, { key: rest, value });
}

function innerOf(json: JsonObject, field: DescField): JsonObject {
  const known = spelledAs(json, field);
  const inner = json[known];
  if (isJsonObject(inner)) return inner;
  const fresh: JsonObject = {};
  json[known] = fresh;
  return fresh;
}

/** The JSON may spell a field both ways, but only one at a time. */
function spelledAs(json: JsonObject, field: DescField): string {
  return field.jsonName in json ? field.jsonName : field.name;
}

function put(json: JsonObject, field: DescField, value: string): void {
  const name = spelledAs(json, field);
  if (field.fieldKind === "map") {
    json[name] = parseJson(value, name);
  } else if (field.fieldKind === "list") {
    const before = json[name];
    const items = value.startsWith("[") ? parseJson(value, name) : [jsonOf(value, field, name)];
    json[name] = [...(Array.isArray(before) ? before : []), ...(Array.isArray(items) ? items : [])];
  } else {
    json[name] = jsonOf(value, field, name);
  }
}

function jsonOf(value: string, field: DescField, name: string): JsonValue {
  if (field.enum) return enumValue(value, field.enum, name);
  if (field.scalar === ScalarType.BOOL) return trueOrFalse(value, name);
  // Numbers may be strings in protobuf JSON, which keeps 64 bits of them.
  if (field.message && /^[{["]/.test(value)) return parseJson(value, name);
  return value;
}

function trueOrFalse(value: string, name: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new CliError(`${name}: "${value}" is neither true nor false`, { exitCode: ExitCode.USAGE });
}

/** "detailed" for PROCESSING_TYPE_DETAILED. */
function enumValue(value: string, desc: DescEnum, name: string): string {
  const wanted = value.toUpperCase().replaceAll("-", "_");
  const prefix = desc.sharedPrefix?.toUpperCase() ?? "";
  const found = desc.values.find((one) => one.name === wanted || one.name === prefix + wanted);
  if (found) return found.name;
  const shortNames = desc.values.map((one) => one.name.slice(prefix.length).toLowerCase());
  throw new CliError(
    `${name}: there is no "${value}"${didYouMean(value, shortNames)}; allowed: ${shortNames.join(", ")}`,
    { exitCode: ExitCode.USAGE },
  );
}
