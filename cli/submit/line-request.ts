import { create, fromJson, type JsonObject, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import {
  type SubmitTaskRequest,
  SubmitTaskRequestSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { buildInput } from "../task-types/build-input.ts";
import { isJsonObject, refuseUnknownFields } from "../task-types/json-fields.ts";
import { parseJson } from "../task-types/parse-json.ts";
import { resolveType } from "../task-types/resolve-type.ts";
import type { TaskTypes } from "../task-types/task-types.ts";

const AROUND_A_SPEC = ["spec", "taskId", "task_id", "requestId", "request_id"];

/** A gateway refuses far smaller ones, with a better reason; but of a larger one it would hear nothing. */
const MAX_LINE_BYTES = 2 ** 20;

/** The request of a line: of a spec, or of an id with one. `typeName` is for inputs that name no type. */
export function lineRequest(
  line: string,
  types: TaskTypes,
  typeName: string | undefined,
): SubmitTaskRequest {
  const given = parseJson(line, "line");
  if (!isJsonObject(given)) throw usage("must be a JSON object");
  const isWhole = AROUND_A_SPEC.some((name) => name in given);
  const request: JsonObject = isWhole ? given : { spec: given };
  refuseUnknownFields(request, SubmitTaskRequestSchema);
  const { spec, ...ids } = request;
  if (!isJsonObject(spec)) throw usage("spec: is required");
  const { input, ...rest } = spec;
  const packed = inputOf(input, types, typeName);
  const read = decoded(ids, rest);
  read.spec = { ...(read.spec ?? create(TaskSpecSchema)), input: packed };
  const size = toBinary(SubmitTaskRequestSchema, read).length;
  if (size > MAX_LINE_BYTES) throw usage(`has ${size} bytes; ${MAX_LINE_BYTES} are allowed`);
  return read;
}

function inputOf(given: JsonValue | undefined, types: TaskTypes, typeName: string | undefined) {
  if (!isJsonObject(given)) throw usage('input: must be an object: {"@type": "...", ...}');
  const { "@type": named = typeName, ...fields } = given;
  if (typeof named !== "string") throw usage('input: must say its "@type"');
  const type = resolveType(named.slice(named.lastIndexOf("/") + 1), types.all);
  return buildInput(type, { json: JSON.stringify(fields), pairs: [] }, types.registry);
}

/** What a decoder complains of, by the name of the field: most of what it says itself names but the type. */
function decoded(request: JsonObject, spec: JsonObject): SubmitTaskRequest {
  for (const [name, value] of Object.entries(spec)) {
    at(`${name}: `, () => fromJson(TaskSpecSchema, { [name]: value }));
  }
  return at("", () => fromJson(SubmitTaskRequestSchema, { ...request, spec }));
}

function at<T>(where: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const short = text
      .replace(/^cannot decode (?:message|enum) (?:\w+\.)*(\w+) from JSON: /, "is no $1: ")
      .replace(/^cannot decode field \S+ from JSON: /, "");
    throw usage(where + short, error);
  }
}

function usage(text: string, cause?: unknown): CliError {
  return new CliError(text, { exitCode: ExitCode.USAGE, cause });
}
