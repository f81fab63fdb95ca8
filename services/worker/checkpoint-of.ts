import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { type Checkpoint, CheckpointSchema } from "#gen/millrace/v1/task_pb.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { isTooDeep, MAX_JSON_DEPTH } from "#lib/task/json-depth.ts";
import { MAX_CHECKPOINT_BYTES } from "#lib/task/limits.ts";

/** Throws PermanentError for what can't be kept. */
export function checkpointOf(attempt: number, state: JsonValue): Checkpoint {
  const json = jsonOf(state);
  const length = Buffer.byteLength(json);
  if (length > MAX_CHECKPOINT_BYTES) {
    const message = `the checkpoint has ${length} bytes as JSON; ${MAX_CHECKPOINT_BYTES} are allowed`;
    throw new PermanentError(message, { code: "CHECKPOINT_TOO_LARGE" });
  }
  const plain: JsonValue = JSON.parse(json);
  if (isTooDeep(plain)) {
    const message = `the checkpoint is nested deeper than ${MAX_JSON_DEPTH} levels`;
    throw new PermanentError(message, { code: "CHECKPOINT_TOO_DEEP" });
  }
  return create(CheckpointSchema, { attempt, state: fromJson(ValueSchema, plain) });
}

function jsonOf(state: unknown): string {
  try {
    // Undefined for what JSON leaves out, such as a function.
    const json: string | undefined = JSON.stringify(state, refuseNoNumber);
    if (json !== undefined) return json;
  } catch (cause) {
    throw notJson(cause);
  }
  throw notJson();
}

/** JSON.stringify makes null of it, and the next attempt would go on from there. */
function refuseNoNumber(name: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw new TypeError(name === "" ? `it is ${value}` : `"${name}" is ${value}`);
}

function notJson(cause?: unknown): PermanentError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new PermanentError(`the checkpoint is no JSON value${why}`, {
    code: "CHECKPOINT_NOT_JSON",
    cause,
  });
}
