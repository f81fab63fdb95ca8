import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { PermanentError } from "#lib/task/handler-errors.ts";

/** The input as its handler wants it. Throws PermanentError: what can't be read now, no later attempt can read. */
export function readInput<Input extends DescMessage>(
  type: Input,
  given: Any | undefined,
): MessageShape<Input> {
  const input = given && decoded(type, given);
  if (!input) throw unreadable();
  return input;
}

function decoded<Input extends DescMessage>(type: Input, given: Any) {
  try {
    return anyUnpack(given, type);
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(cause?: unknown): PermanentError {
  return new PermanentError("the input can't be read", { code: "INPUT_UNREADABLE", cause });
}
