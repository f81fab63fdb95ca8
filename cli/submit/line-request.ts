import { type JsonObject, type JsonValue, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import {
  type SubmitTaskRequest,
  SubmitTaskRequestSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { buildInput } from "../task-types/build-input.ts";
import { decodedFields } from "../task-types/decoded.ts";
import { isJsonObject, refuseUnknownFields } from "../task-types/json-fields.ts";
import { jsonFormOf } from "../task-types/json-form.ts";
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
  const given = parseJson(line);
  if (!isJsonObject(given)) throw usage("must be a JSON object");
  const isWhole = AROUND_A_SPEC.some((name) => name in given);
  const request: JsonObject = isWhole ? given : { spec: given };
  refuseUnknownFields(request, SubmitTaskRequestSchema);
  const { spec, ...ids } = request;
  if (!isJsonObject(spec)) throw usage("spec: is required");
  const { input, ...rest } = spec;
  const any = inputOf(input, types, typeName);
  const read = decodedFields(SubmitTaskRequestSchema, ids);
  read.spec = { ...decodedFields(TaskSpecSchema, rest), input: any };
  const size = toBinary(SubmitTaskRequestSchema, read).length;
  if (size > MAX_LINE_BYTES) throw usage(`has ${size} bytes; ${MAX_LINE_BYTES} are allowed`);
  return read;
}

/** With an "@type", an input is JSON as an Any has it; without, as its own type has it. */
function inputOf(given: JsonValue | undefined, types: TaskTypes, typeName: string | undefined) {
  const { "@type": named, ...fields } = isJsonObject(given) ? given : {};
  if (typeof named === "string") {
    const type = resolveType(named.slice(named.lastIndexOf("/") + 1), types.all);
    return packed(type, unwrapped(fields, type, types), types);
  }
  if (given === undefined || (typeName === undefined && !isJsonObject(given))) {
    throw usage('input: must be an object: {"@type": "...", ...}');
  }
  if (typeName === undefined) throw usage('input: must say its "@type"');
  return packed(resolveType(typeName, types.all), given, types);
}

/** What an Any has beside the "@type"; in "value", if that is no message that JSON writes by its fields. */
function unwrapped(fields: JsonObject, { name }: TaskType, { registry }: TaskTypes): JsonValue {
  const message = registry.getMessage(name);
  if (!message || jsonFormOf(message) === "fields") return fields;
  const { value, ...others } = fields;
  const [other] = Object.keys(others);
  if (value !== undefined && other === undefined) return value;
  throw usage(`input: a ${message.name} has its JSON in "value", and nothing beside it`);
}

function packed(type: TaskType, json: JsonValue, { registry }: TaskTypes): Any {
  return buildInput(type, { json: JSON.stringify(json), pairs: [] }, registry);
}

function usage(text: string): CliError {
  return new CliError(text, { exitCode: ExitCode.USAGE });
}
