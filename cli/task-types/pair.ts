import type { DescEnum, DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import { didYouMean } from "#lib/process/did-you-mean.ts";
import { fieldNamed, isJsonObject } from "./json-fields.ts";
import { isObjectInJson, jsonFormOf } from "./json-form.ts";
import { parseJson } from "./parse-json.ts";

/** `key=value` of the command line. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

export function parsePair(given: string): Pair {
  const at = given.indexOf("=");
  if (at > 0) return { key: given.slice(0, at), value: given.slice(at + 1) };
  throw usage(`"${given}" is neither key=value nor JSON, such as {"key": "value"}`);
}

/**
 * Puts a pair into the JSON form of a message. The key may lead into inner messages by dots; a repeated field grows with
 * every pair; an enum's value may be given by the last part of its name.
 */
export function putPair(json: JsonObject, message: DescMessage, { key, value }: Pair): void {
  if (jsonFormOf(message) !== "fields") {
    putMember(json, key.split("."), value);
    return;
  }
  const dot = key.indexOf(".");
  const field = fieldNamed(dot < 0 ? key : key.slice(0, dot), message);
  if (dot < 0) {
    put(json, field, value);
    return;
  }
  const rest = key.slice(dot + 1);
  if (field.fieldKind === "map") {
    innerOf(json, field)[rest] = jsonOf(value, field, key);
  } else if (field.fieldKind === "message" && isObjectInJson(field.message)) {
    putPair(innerOf(json, field), field.message, { key: rest, value });
  } else {
    throw usage(`"${key}": ${field.name} holds no single message with fields`);
  }
}

/** Of an object whose members may have any name: what reads as JSON is that, all else is text. */
function putMember(json: JsonObject, [name = "", ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) json[name] = jsonOrText(value);
  else putMember(objectAt(json, name), rest, value);
}

function innerOf(json: JsonObject, field: DescField): JsonObject {
  return objectAt(json, spelledAs(json, field));
}

function objectAt(json: JsonObject, name: string): JsonObject {
  const inner = json[name];
  if (isJsonObject(inner)) return inner;
  if (inner !== undefined && inner !== null) {
    throw usage(`"${name}" is given a value that has no members`);
  }
  const fresh: JsonObject = {};
  json[name] = fresh;
  return fresh;
}

/** The JSON may spell a field both ways, but only one at a time. */
function spelledAs(json: JsonObject, field: DescField): string {
  return field.jsonName in json ? field.jsonName : field.name;
}

function put(json: JsonObject, field: DescField, value: string): void {
  const name = spelledAs(json, field);
  if (field.fieldKind === "map") json[name] = parseJson(value, name);
  else if (field.fieldKind === "list") {
    const items = itemsOf(value, name, (item) => jsonOf(item, field, name));
    json[name] = added(json[name], items);
  } else json[name] = added(json[name], jsonOf(value, field, name));
}

/** A list grows, anything else is replaced. */
function added(before: JsonValue | undefined, value: JsonValue): JsonValue {
  return Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

/** Puts the value of a message that JSON does not write as an object, as `value`: so does an Any that holds one. */
export function putValue(json: JsonObject, message: DescMessage, { key, value }: Pair): void {
  if (key === "value") json[key] = added(json[key], messageJson(value, message, key));
  else throw usage(`${message.name} has no "${key}"; it is given as JSON, or by value=...`);
}

/** A list of one item, or, if the value is a list, of all of its items. */
function itemsOf(value: string, name: string, one: (value: string) => JsonValue): JsonValue[] {
  const items = value.startsWith("[") ? parseJson(value, name) : [one(value)];
  return Array.isArray(items) ? items : [];
}

/** The JSON of a message that is given by one text. */
function messageJson(value: string, message: DescMessage, name: string): JsonValue {
  if (isWrapperDesc(message)) return jsonOf(value, message.fields[0], name);
  switch (jsonFormOf(message)) {
    case "text":
      return value.startsWith('"') ? parseJson(value, name) : value;
    case "anything":
      return jsonOrText(value);
    case "list":
      return itemsOf(value, name, jsonOrText);
    default:
      return parseJson(value, name);
  }
}

function jsonOf(value: string, field: DescField, name: string): JsonValue {
  if (field.enum) return enumValue(value, field.enum, name);
  if (field.message) return messageJson(value, field.message, name);
  if (field.scalar === ScalarType.BOOL) return trueOrFalse(value, name);
  // Numbers may be strings in protobuf JSON, which keeps 64 bits of them.
  return value;
}

function jsonOrText(value: string): JsonValue {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function trueOrFalse(value: string, name: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw usage(`${name}: "${value}" is neither true nor false`);
}

/** "detailed" for PROCESSING_TYPE_DETAILED; its number as well. */
function enumValue(value: string, desc: DescEnum, name: string): JsonValue {
  if (/^-?\d+$/.test(value)) return Number(value);
  if (desc.typeName === "google.protobuf.NullValue" && value === "null") return null;
  const wanted = value.toUpperCase().replaceAll("-", "_");
  const prefix = desc.sharedPrefix?.toUpperCase() ?? "";
  const means = (known: string) => [wanted, prefix + wanted].includes(known.toUpperCase());
  const found =
    desc.values.find((one) => one.name === value) ?? desc.values.find((one) => means(one.name));
  if (found) return found.name;
  const shortNames = desc.values.map((one) => one.name.slice(prefix.length).toLowerCase());
  throw usage(
    `${name}: there is no "${value}"${didYouMean(value, shortNames)}; allowed: ${shortNames.join(", ")}`,
  );
}

function usage(text: string): CliError {
  return new CliError(text, { exitCode: ExitCode.USAGE });
}
