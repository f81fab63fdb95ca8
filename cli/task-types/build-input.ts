import {
  create,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { decoded, decodedFields } from "./decoded.ts";
import { refuseGivenTwice } from "./given-twice.ts";
import { isJsonObject, refuseUnknownFields } from "./json-fields.ts";
import { isObjectInJson, jsonFormOf } from "./json-form.ts";
import { type Pair, parsePair, putPair, putValue } from "./pair.ts";
import { parseJson } from "./parse-json.ts";

/** What was given as a task's input: JSON, pairs that are put into it, or both. */
export interface GivenInput {
  readonly json: string | undefined;
  readonly pairs: readonly Pair[];
}

const ANY_PREFIX = "type.googleapis.com/";

/** What begins like JSON, or is a word of it. A key that begins so is none of protobuf's. */
const JSON_ARGUMENT = /^\s*(?:["{[]|(?:-?\d[\d.eE+-]*|true|false|null)\s*$)/;

/** Arguments are JSON, or pairs. */
export function givenInput(args: readonly string[]): GivenInput {
  const json = args.filter((arg) => JSON_ARGUMENT.test(arg));
  if (json.length > 1)
    throw new CliError("more than one JSON input is given", { exitCode: ExitCode.USAGE });
  return { json: json[0], pairs: args.filter((arg) => arg !== json[0]).map(parsePair) };
}

/** The input as a task carries it, checked against the message that its type takes. */
export function buildInput(type: TaskType, given: GivenInput, registry: Registry): Any {
  const message = registry.getMessage(type.name);
  if (!message) {
    throw new CliError(`the gateway does not describe ${type.name}`, {
      exitCode: ExitCode.UNAVAILABLE,
    });
  }
  const input = read(message, jsonOf(message, given), registry);
  return create(AnySchema, {
    typeUrl: ANY_PREFIX + message.typeName,
    value: toBinary(message, input),
  });
}

function read(message: DescMessage, json: JsonValue | undefined, registry: Registry): Message {
  if (json === undefined) return create(message);
  if (jsonFormOf(message) === "fields" && isJsonObject(json)) {
    return decodedFields(message, json, registry);
  }
  return decoded("input: ", () => fromJson(message, json, { registry }));
}

/** The input in protobuf's JSON; undefined when nothing is given. */
function jsonOf(message: DescMessage, { json: text, pairs }: GivenInput): JsonValue | undefined {
  const given = text === undefined ? undefined : parseJson(text, "input");
  refuseGivenTwice(pairs, message);
  if (!isObjectInJson(message)) return ownValueOf(message, given, pairs);
  const json = given === undefined ? {} : given;
  if (jsonFormOf(message) === "anything" && pairs.length === 0) return json;
  if (!isJsonObject(json)) {
    throw new CliError('input: must be a JSON object, e.g. {"key": "value"}', {
      exitCode: ExitCode.USAGE,
    });
  }
  if (jsonFormOf(message) === "fields") refuseUnknownFields(json, message);
  for (const pair of pairs) putPair(json, message, pair);
  return json;
}

/** Of a message that JSON does not write as an object: its value, or an object around it, as in an Any. */
function ownValueOf(
  message: DescMessage,
  given: JsonValue | undefined,
  pairs: readonly Pair[],
): JsonValue | undefined {
  const isAround = isJsonObject(given) && Object.keys(given).join() === "value";
  const around = isAround ? given : aroundIt(given);
  for (const pair of pairs) putValue(around, message, pair);
  return around["value"];
}

function aroundIt(value: JsonValue | undefined): JsonObject {
  return value === undefined ? {} : { value };
}
