import { createReadStream } from "node:fs";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import type { Line } from "./chunks.ts";
import { lineRequest } from "./line-request.ts";

/** The file, line by line; - is standard input. (node:readline loses what it reads before somebody asks.) */
async function* linesIn(file: string): AsyncGenerator<string> {
  const stream = file === "-" ? process.stdin.setEncoding("utf8") : createReadStream(file, "utf8");
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`--batch: ${reason}`, { exitCode: ExitCode.USAGE, cause: error });
  }
  yield rest;
}

/** What each line asks for, or what is wrong with it. Blank lines ask for nothing. */
export async function* readLines(
  file: string,
  types: TaskTypes,
  typeName: string | undefined,
): AsyncGenerator<Line> {
  let number = 0;
  for await (const text of linesIn(file)) {
    number += 1;
    if (text.trim() !== "") yield { number, asked: askedIn(text, types, typeName) };
  }
}

function askedIn(text: string, types: TaskTypes, typeName: string | undefined): Line["asked"] {
  try {
    return lineRequest(text, types, typeName);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
}
