import { readFile } from "node:fs/promises";
import { buffer as bufferOf } from "node:stream/consumers";
import { type Command, Option } from "commander";
import { SubmitTaskResponseSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, CALL } from "../gateway/at-gateway.ts";
import { submitBatch } from "../submit/submit-batch.ts";
import { buildInput, type GivenInput, givenInput } from "../task-types/build-input.ts";
import { parsePair } from "../task-types/pair.ts";
import { textFrom } from "../task-types/parse-json.ts";
import { resolveType } from "../task-types/resolve-type.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { print, printJson } from "../terminal/output.ts";
import { tellStuck } from "../watch/tell-stuck.ts";
import { watchTask } from "../watch/watch-task.ts";
import { type Globals, globalsOf } from "./globals.ts";
import { collectedValue, textValue } from "./option-values.ts";
import { addSpecOptions, type SpecOptions, specOf } from "./spec-options.ts";

interface SubmitOptions extends SpecOptions {
  readonly inputFile?: string;
  readonly input?: readonly string[];
  readonly id?: string;
  readonly requestId?: string;
  readonly batch?: string;
  readonly watch?: boolean;
}

const HELP = `
A key may lead into inner messages and maps by dots (to.city=Rome); of a repeated field, every pair adds one. A type that
JSON writes without fields (Int32Value, Timestamp, ListValue, …) takes value=…, or JSON such as 5.

A line of a batch is a TaskSpec as JSON, or {"taskId", "requestId", "spec"} around one:
  {"input": {"@type": "web.summarize", "url": "https://example.com"}, "queue": "default"}
Lines whose input has no "@type" are of the <type> that the command names. Give them ids, and the same batch may be
submitted again when it broke off.

Examples:
  millrace submit web.summarize url=https://example.com --watch
  millrace submit SummarizePage '{"url": "https://example.com"}' --priority high --delay 10m
  echo '{"url": "https://example.com"}' | millrace submit web.summarize --input-file -
  millrace submit google.protobuf.Int32Value 5
  millrace submit --batch tasks.jsonl > ids.txt`;

const UNFIT_FOR_BATCH = ["input", "inputFile", "id", "requestId", "watch"];

export function addSubmit(program: Command): void {
  const command = program
    .command("submit")
    .description("submit a task, and print its id; or many")
    .argument("[type]", "its full name, its alias, or the last part of its name; see `types`")
    .argument("[input...]", "JSON as protobuf writes it, or key=value for each field")
    .option("-i, --input <key=value>", "a field of the input; may be repeated", collectedValue)
    .option("--input-file <file>", "a file with the input as JSON; - reads standard input")
    .option("--id <id>", "the task's id; the same id again finds the same task", textValue)
    .option("--request-id <key>", "a key of your own that the id is made from", textValue);
  addSpecOptions(command)
    .addOption(
      new Option("--batch <file>", "a file with a task a line; - reads standard input").conflicts(
        UNFIT_FOR_BATCH,
      ),
    )
    .option("--watch", "watch it until it ends")
    .addHelpText("after", HELP)
    .action(async (type: string | undefined, args: string[], options: SubmitOptions) => {
      process.exitCode = await submitOneOrMany(type, args, { options, command });
    });
}

interface Given {
  readonly options: SubmitOptions;
  readonly command: Command;
}

async function submitOneOrMany(
  type: string | undefined,
  args: readonly string[],
  { options, command }: Given,
): Promise<ExitCode> {
  const globals = globalsOf(command);
  if (options.batch === undefined) {
    if (type === undefined) throw usage("missing required argument 'type'; or give --batch");
    return submit(type, await inputOf(args, options), { options, globals });
  }
  if (args.length > 0) throw usage("a batch has its inputs in its lines");
  return submitBatch(options.batch, { ...globals, typeName: type });
}

async function submit(
  typeName: string,
  input: GivenInput,
  { options, globals }: { options: SubmitOptions; globals: Globals },
): Promise<ExitCode> {
  const { server, json } = globals;
  return atGateway(server, async (tasks) => {
    const types = await readTaskTypes(tasks);
    const type = resolveType(typeName, types.all);
    const spec = specOf(buildInput(type, input, types.registry), options);
    const { id = "", requestId = "" } = options;
    const submitted = await tasks.submitTask({ taskId: id, requestId, spec }, CALL);
    const taskId = submitted.task?.id ?? "";
    if (options.watch) return watchTask(tasks, { taskId, afterSequence: 0n, types, json });
    const answer = toldAsJson(SubmitTaskResponseSchema, submitted, types);
    if (json) printJson(answer);
    else print(taskId);
    tellStuck(submitted.task?.waitingReason);
    return ExitCode.SUCCEEDED;
  });
}

function usage(text: string): CliError {
  return new CliError(text, { exitCode: ExitCode.USAGE });
}

async function inputOf(args: readonly string[], options: SubmitOptions): Promise<GivenInput> {
  const given = givenInput(args);
  const pairs = [...given.pairs, ...(options.input ?? []).map(parsePair)];
  if (options.inputFile === undefined) return { json: given.json, pairs };
  if (given.json !== undefined) {
    throw usage("the input is given both as JSON and as --input-file");
  }
  return { json: await contentOf(options.inputFile), pairs };
}

async function contentOf(file: string): Promise<string> {
  const text = textFrom(await bytesOf(file), `--input-file: ${file}`);
  if (text.trim() === "") throw usage(`--input-file: ${file} is empty`);
  return text;
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return file === "-" ? await bufferOf(process.stdin) : await readFile(file);
  } catch (error) {
    const reason = errorMessage(error);
    throw new CliError(`--input-file: ${reason}`, { exitCode: ExitCode.USAGE, cause: error });
  }
}
