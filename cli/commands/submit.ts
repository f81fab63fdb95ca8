import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { create, toJson } from "@bufbuild/protobuf";
import type { Any, Duration } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import type { Priority } from "#gen/millrace/v1/task_pb.ts";
import {
  type SubmitTaskRequest,
  SubmitTaskRequestSchema,
  SubmitTaskResponseSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, CALL } from "../gateway/at-gateway.ts";
import { buildInput, type GivenInput, givenInput } from "../task-types/build-input.ts";
import { parsePair } from "../task-types/pair.ts";
import { resolveType } from "../task-types/resolve-type.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { watchTask } from "../watch/watch-task.ts";
import { globalsOf } from "./globals.ts";
import {
  attemptsValue,
  collectedValue,
  durationValue,
  labelValue,
  priorityValue,
} from "./option-values.ts";

interface SubmitOptions {
  readonly inputFile?: string;
  readonly input?: readonly string[];
  readonly id?: string;
  readonly requestId?: string;
  readonly queue?: string;
  readonly priority?: Priority;
  readonly label?: Readonly<Record<string, string>>;
  readonly maxAttempts?: number;
  readonly timeout?: Duration;
  readonly watch?: boolean;
}

const EXAMPLES = `
Examples:
  millrace submit web.summarize url=https://example.com --watch
  millrace submit SummarizePage '{"url": "https://example.com"}' --priority high
  echo '{"url": "https://example.com"}' | millrace submit web.summarize --input-file -`;

export function addSubmit(program: Command): void {
  program
    .command("submit")
    .description("submit a task; prints its id")
    .argument("<type>", "its full name, its alias, or the last part of its name; see `types`")
    .argument("[input...]", "one JSON object, or key=value for each field")
    .option("-i, --input <key=value>", "a field of the input; may be repeated", collectedValue)
    .option("--input-file <file>", "a file with the input as JSON; - reads standard input")
    .option("--id <id>", "the task's id; the same id again finds the same task")
    .option("--request-id <key>", "a key of your own that the id is made from")
    .option("--queue <name>", "queue to wait in")
    .option("--priority <level>", "urgent, high, normal or low", priorityValue)
    .option("--label <key=value>", "a mark of your own; may be repeated", labelValue)
    .option("--max-attempts <n>", "failed attempts allowed in all", attemptsValue)
    .option("--timeout <duration>", "limit of one attempt, e.g. 30s or 5m", durationValue)
    .option("--watch", "watch it until it ends")
    .addHelpText("after", EXAMPLES)
    .action(async (type: string, args: string[], options: SubmitOptions, command: Command) => {
      process.exitCode = await submit(type, await inputOf(args, options), command);
    });
}

async function submit(typeName: string, input: GivenInput, command: Command): Promise<ExitCode> {
  const { server, json } = globalsOf(command);
  const options = command.opts<SubmitOptions>();
  return atGateway(server, async (tasks) => {
    const types = await readTaskTypes(tasks);
    const type = resolveType(typeName, types.all);
    const request = requestOf(buildInput(type, input, types.registry), options);
    const submitted = await tasks.submitTask(request, CALL);
    const taskId = submitted.task?.id ?? "";
    if (options.watch) return watchTask(tasks, { taskId, afterSequence: 0n, types, json });
    const answer = toJson(SubmitTaskResponseSchema, submitted, types);
    process.stdout.write(`${json ? JSON.stringify(answer) : taskId}\n`);
    return ExitCode.SUCCEEDED;
  });
}

async function inputOf(args: readonly string[], options: SubmitOptions): Promise<GivenInput> {
  const given = givenInput(args);
  const pairs = [...given.pairs, ...(options.input ?? []).map(parsePair)];
  if (options.inputFile === undefined) return { json: given.json, pairs };
  if (given.json !== undefined) {
    throw new CliError("the input is given both as JSON and as --input-file", {
      exitCode: ExitCode.USAGE,
    });
  }
  return { json: await contentOf(options.inputFile), pairs };
}

async function contentOf(file: string): Promise<string> {
  try {
    return file === "-" ? await text(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`--input-file: ${reason}`, { exitCode: ExitCode.USAGE, cause: error });
  }
}

function requestOf(input: Any, options: SubmitOptions): SubmitTaskRequest {
  const { maxAttempts, timeout, priority, queue = "", label = {} } = options;
  return create(SubmitTaskRequestSchema, {
    taskId: options.id ?? "",
    requestId: options.requestId ?? "",
    spec: {
      input,
      queue,
      labels: { ...label },
      ...(priority !== undefined && { priority }),
      ...(maxAttempts !== undefined && { retryPolicy: { maxAttempts } }),
      ...(timeout !== undefined && { attemptTimeout: timeout }),
    },
  });
}
