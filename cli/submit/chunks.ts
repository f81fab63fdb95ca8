import { toBinary } from "@bufbuild/protobuf";
import {
  type SubmitTaskRequest,
  SubmitTaskRequestSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import type { CliError } from "../cli-error.ts";

/** A line of the batch, and what it asks for; or what is wrong with it. */
export interface Line {
  readonly number: number;
  readonly asked: SubmitTaskRequest | CliError;
}

/** What one call takes. */
const MAX_TASKS = 1_000;
/** The gateway takes 4 MiB; the rest is for what is around the tasks. */
const MAX_BYTES = 3.5 * 2 ** 20;

/** The lines in their order, in parts that fit into one call each. */
export async function* chunks(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let chunk: Line[] = [];
  let bytes = 0;
  for await (const line of lines) {
    const size = sizeOf(line);
    if (chunk.length === MAX_TASKS || (chunk.length > 0 && bytes + size > MAX_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(line);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

function sizeOf({ asked }: Line): number {
  return asked instanceof Error ? 0 : toBinary(SubmitTaskRequestSchema, asked).length;
}
