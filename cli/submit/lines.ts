import { createReadStream } from "node:fs";
import { errorMessage } from "#lib/task/error-message.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { textFrom } from "../task-types/parse-json.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import type { Line } from "./chunks.ts";
import { lineRequest } from "./line-request.ts";

const LINE_FEED = 0x0a;

/** The file, line by line; - is standard input. (node:readline loses what it reads before somebody asks.) */
async function* linesIn(file: string): AsyncGenerator<Buffer> {
  const stream: AsyncIterable<Buffer> = file === "-" ? process.stdin : createReadStream(file);
  let begun: Buffer[] = [];
  try {
    for await (const chunk of stream) {
      let from = 0;
      for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
        yield Buffer.concat([...begun, chunk.subarray(from, to)]);
        begun = [];
        from = to + 1;
      }
      begun.push(chunk.subarray(from));
    }
  } catch (error) {
    const reason = errorMessage(error);
    throw new CliError(`--batch: ${reason}`, { exitCode: ExitCode.USAGE, cause: error });
  }
  yield Buffer.concat(begun);
}

/** What each line asks for, or what is wrong with it. Blank lines ask for nothing. */
export async function* readLines(
  file: string,
  types: TaskTypes,
  typeName: string | undefined,
): AsyncGenerator<Line> {
  let number = 0;
  for await (const bytes of linesIn(file)) {
    number += 1;
    const asked = askedIn(bytes, types, typeName);
    if (asked) yield { number, asked };
  }
}

function askedIn(
  bytes: Buffer,
  types: TaskTypes,
  typeName: string | undefined,
): Line["asked"] | undefined {
  try {
    const text = textFrom(bytes, "it");
    return text.trim() === "" ? undefined : lineRequest(text, types, typeName);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
}
