import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, type Tasks } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { tell } from "../terminal/output.ts";
import { type Answered, answered } from "./answered.ts";
import { BatchReport } from "./batch-report.ts";
import { chunks, type Line } from "./chunks.ts";
import { readLines } from "./lines.ts";

export interface BatchOptions {
  readonly server: string;
  readonly json: boolean;
  /** Task type of the inputs that name none. */
  readonly typeName: string | undefined;
}

/** Submits a task for each line of the file, and tells what becomes of each. */
export async function submitBatch(
  file: string,
  { server, json, typeName }: BatchOptions,
): Promise<ExitCode> {
  return atGateway(server, async (tasks) => {
    const types = await readTaskTypes(tasks);
    const report = new BatchReport(json);
    for await (const chunk of chunks(readLines(file, types, typeName))) {
      report.tell(await answeredOr(tasks, chunk, report));
    }
    if (report.isEmpty) throw withoutTasks(file);
    return report.end();
  });
}

function withoutTasks(file: string): CliError {
  const name = file === "-" ? "standard input" : file;
  return new CliError(`--batch: ${name} has no tasks`, { exitCode: ExitCode.USAGE });
}

/** A call that breaks off ends the batch: nobody knows what became of its lines. */
async function answeredOr(
  tasks: Tasks,
  chunk: readonly Line[],
  report: BatchReport,
): Promise<Answered[]> {
  try {
    return await answered(tasks, chunk);
  } catch (error) {
    report.end();
    const [first, last] = [chunk.at(0)?.number, chunk.at(-1)?.number];
    tell(`lines ${first} to ${last}: no answer; submit again from line ${first}`);
    throw error;
  }
}
