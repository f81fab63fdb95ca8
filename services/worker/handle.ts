import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { MAX_OUTPUT_BYTES } from "#lib/task/limits.ts";
import { endOfError, type HandlerEnd } from "#lib/task/outcome.ts";
import type { Attempt, TaskTypeDefinition } from "#lib/task/task-type.ts";
import { readInput } from "./read-input.ts";

export type Context = Omit<Attempt<unknown>, "input">;

/**
 * Reads the input and calls the handler, in the thread that this is called in, and says how it ended. Never throws. Only
 * here, in an attempt that has started, is the input read: one that takes its worker down is to be counted.
 */
export async function handle(
  type: TaskTypeDefinition,
  input: Any | undefined,
  context: Context,
): Promise<HandlerEnd> {
  try {
    return { kind: "succeeded", output: await outputOf(type, input, context) };
  } catch (error) {
    return endOfError(error);
  }
}

async function outputOf(
  type: TaskTypeDefinition,
  given: Any | undefined,
  context: Context,
): Promise<Any> {
  const input = readInput(type.input, given);
  const output = anyPack(
    type.output,
    create(type.output, await type.handler({ ...context, input })),
  );
  const { length } = toBinary(AnySchema, output);
  if (length <= MAX_OUTPUT_BYTES) return output;
  throw new PermanentError(`the output has ${length} bytes; ${MAX_OUTPUT_BYTES} are allowed`, {
    code: "OUTPUT_TOO_LARGE",
  });
}
