import { create, fromJson, type JsonObject, type Registry, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { CliError } from "#cli/cli-error.ts";
import { ExitCode } from "#cli/exit-code.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { isJsonObject, refuseUnknownFields } from "./json-fields.ts";
import { type Pair, parsePair, putPair } from "./pair.ts";
import { parseJson } from "./parse-json.ts";

/** What was given as a task's input: JSON, pairs that are put into it, or both. */
export interface GivenInput {
  readonly json: string | undefined;
  readonly pairs: readonly Pair[];
}

const ANY_PREFIX = "type.googleapis.com/";

/** Arguments are one JSON object, or pairs. */
export function givenInput(args: readonly string[]): GivenInput {
  const json = args.filter((arg) => arg.trimStart().startsWith("{"));
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
  const json = baseOf(given.json);
  refuseUnknownFields(json, message);
  for (const pair of given.pairs) putPair(json, message, pair);
  try {
    const input = fromJson(message, json, { registry });
    return create(AnySchema, {
      typeUrl: ANY_PREFIX + message.typeName,
      value: toBinary(message, input),
    });
  } catch (error) {
    throw new CliError(readable(error, message.typeName), {
      exitCode: ExitCode.USAGE,
      cause: error,
    });
  }
}

function baseOf(text: string | undefined): JsonObject {
  if (text === undefined) return {};
  const json = parseJson(text, "input");
  if (isJsonObject(json)) return json;
  throw new CliError('input: must be a JSON object, e.g. {"key": "value"}', {
    exitCode: ExitCode.USAGE,
  });
}

/** "cannot decode field x.y.Message.count from JSON: expected number" → "count: expected number" */
function readable(error: unknown, typeName: string): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/^cannot decode (?:field|message) (\S+) from JSON: /, "$1: ")
    .replace(`${typeName}.`, "");
}
