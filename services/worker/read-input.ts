import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { errorMessage } from "#lib/task/error-message.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { typeNameOf } from "#lib/task/task-type.ts";

/** The input as its handler wants it. Throws PermanentError: what can't be read now, no later attempt can read. */
export function readInput<Input extends DescMessage>(
  type: Input,
  given: Any | undefined,
): MessageShape<Input> {
  const input = given && decoded(type, given);
  if (input) return input;
  throw unreadable(
    `it is a ${typeNameOf(given) || "message without a type"}, not a ${type.typeName}`,
  );
}

function decoded<Input extends DescMessage>(type: Input, given: Any) {
  try {
    return anyUnpack(given, type);
  } catch (error) {
    throw unreadable(`as this worker knows ${type.typeName}: ${errorMessage(error)}`, error);
  }
}

function unreadable(why: string, cause?: unknown): PermanentError {
  return new PermanentError(`the input can't be read, ${why}`, { code: "INPUT_UNREADABLE", cause });
}
