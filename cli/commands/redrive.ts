import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type RedriveDeadLettersRequest,
  RedriveDeadLettersRequestSchema,
  type RedriveDeadLettersResponse,
  RedriveDeadLettersResponseSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import { wholeNumber } from "#lib/process/setting.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, type Tasks } from "../gateway/at-gateway.ts";
import { readTaskTypes } from "../task-types/task-types.ts";
import { confirmed } from "../terminal/confirmed.ts";
import { print, printJson, tell } from "../terminal/output.ts";
import { type FilterOptions, filterOf, withFilterOptions } from "./dead-letter-options.ts";
import { refuseUnknownQueue } from "./find-dead-letters.ts";
import { globalsOf } from "./globals.ts";
import { loginName } from "./who.ts";

interface RedriveOptions extends FilterOptions {
  readonly limit: number;
  readonly preview?: boolean;
  readonly yes?: boolean;
  readonly by: string;
}

/** It looks through the whole log, and may start ten thousand tasks. */
const LONG_CALL = { timeoutMs: 120_000 };

const HELP = `
Says how many there are and asks, or needs --yes where nobody can be asked. What fails again is a dead letter again.`;

export function addRedrive(program: Command): void {
  withFilterOptions(
    program.command("redrive").description("start tasks again that failed for good, oldest first"),
  )
    .option("--limit <n>", "tasks to start, at most", wholeNumber(1, 10_000), 100)
    .option("--preview", "only count them")
    .option("--yes", "do not ask")
    .option("--by <name>", "who asks; kept in the tasks", loginName())
    .addHelpText("after", HELP)
    .action(async (options: RedriveOptions, command: Command) => {
      process.exitCode = await redrive(options, command);
    });
}

function redrive(options: RedriveOptions, command: Command): Promise<ExitCode> {
  const { server, json } = globalsOf(command);
  const { preview, yes, limit, by } = options;
  if (!(preview || yes || process.stdin.isTTY)) {
    const text = "nobody can be asked here; --preview counts, --yes starts them";
    throw new CliError(text, { exitCode: ExitCode.USAGE });
  }
  return atGateway(server, async (tasks, queues) => {
    const filter = filterOf(options, await readTaskTypes(tasks));
    const request = create(RedriveDeadLettersRequestSchema, { filter, limit, requestedBy: by });
    const known = async (response: RedriveDeadLettersResponse) => {
      if (response.matched === 0) await refuseUnknownQueue(tasks, queues, filter);
      return response;
    };
    if (preview) return show(await known(await count(tasks, request)), counted, json);
    // What fails while somebody thinks about it comes after those that they were asked about.
    const agreed = yes ? limit : await agreedLimit(await known(await count(tasks, request)));
    if (agreed === 0) return ExitCode.SUCCEEDED;
    const answer = await tasks.redriveDeadLetters({ ...request, limit: agreed }, LONG_CALL);
    return show(await known(answer), done, json);
  });
}

function count(tasks: Tasks, request: RedriveDeadLettersRequest) {
  return tasks.redriveDeadLetters({ ...request, preview: true }, LONG_CALL);
}

/** How many may start again; 0 = none. */
async function agreedLimit(preview: RedriveDeadLettersResponse): Promise<number> {
  tell(counted(preview));
  if (preview.matched === 0) return 0;
  return (await confirmed(`start ${preview.matched} again?`)) ? preview.matched : 0;
}

function show(
  response: RedriveDeadLettersResponse,
  said: (response: RedriveDeadLettersResponse) => string,
  json: boolean,
): ExitCode {
  const answer = toJson(RedriveDeadLettersResponseSchema, response, { alwaysEmitImplicit: true });
  if (json) printJson(answer);
  else print(said(response));
  for (const { taskId, error } of response.failures) {
    tell(`error: ${taskId}: ${error?.message ?? ""}`);
  }
  return response.failures.length > 0 ? ExitCode.UNAVAILABLE : ExitCode.SUCCEEDED;
}

function counted({ matched, more }: RedriveDeadLettersResponse): string {
  const letters = matched === 1 ? "1 dead letter" : `${matched} dead letters`;
  return `${letters} would start again${more ? "; there are more, see --limit" : ""}`;
}

function done({ matched, restarted, more }: RedriveDeadLettersResponse): string {
  return `${restarted} of ${matched} start again${more ? "; there are more, see --limit" : ""}`;
}
