import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { PurgeQueueResponseSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import { wholeNumber } from "#lib/process/setting.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, CALL, type Queues } from "../gateway/at-gateway.ts";
import { confirmed } from "../terminal/confirmed.ts";
import { print, printJson, tell } from "../terminal/output.ts";
import { globalsOf } from "./globals.ts";
import { byOption, type Requester, reasonOption } from "./requester.ts";

interface PurgeOptions extends Requester {
  readonly confirm?: number;
}

/** A million tasks take some minutes. What is canceled when the time is up stays so; the rest takes another call. */
const PURGE = { timeoutMs: 15 * 60_000 };

const HELP = `
Canceled tasks end as CANCELED, with reason and requester, and stay in the history. A task that a worker starts meanwhile
runs. On a terminal you are asked; elsewhere, --confirm says how many tasks you expect to cancel, at most.`;

export function addPurge(queues: Command): void {
  queues
    .command("purge")
    .description("cancel the tasks that wait in a queue; those that run or are scheduled go on")
    .argument("<queue>", "the queue")
    .option(
      "--confirm <count>",
      "do it, unless more tasks than this wait",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .addOption(reasonOption())
    .addOption(byOption())
    .addHelpText("after", HELP)
    .action(async (queue: string, options: PurgeOptions, command: Command) => {
      const { server, json } = globalsOf(command);
      process.exitCode = await atGateway(server, (_, client) =>
        purge(client, queue, { ...options, json }),
      );
    });
}

async function purge(
  client: Queues,
  queue: string,
  { confirm, reason, by: requestedBy, json }: PurgeOptions & { readonly json: boolean },
): Promise<ExitCode> {
  const count = confirm ?? (await askHowMany(client, queue));
  if (count === undefined) return ExitCode.REFUSED;
  const request = { queue, confirmCount: BigInt(count), reason, requestedBy };
  const response = await client.purgeQueue(request, PURGE);
  if (json) printJson(toJson(PurgeQueueResponseSchema, response));
  else print(`tasks canceled in ${queue}: ${response.canceled}`);
  return ExitCode.SUCCEEDED;
}

/** Undefined: better not. */
async function askHowMany(client: Queues, queue: string): Promise<number | undefined> {
  const { queues } = await client.listQueues({}, CALL);
  const found = queues.find(({ name }) => name === queue);
  // The gateway says that there is none, and which there are.
  if (!found) return 1;
  const waiting = Number(found.waiting);
  if (waiting === 0) {
    throw new CliError(`no task waits in ${queue}`, { exitCode: ExitCode.REFUSED });
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CliError(`tasks waiting in ${queue}: ${waiting}; say --confirm ${waiting}`, {
      exitCode: ExitCode.USAGE,
    });
  }
  if (await confirmed(`cancel all that wait in ${queue}, ${waiting} in number?`)) return waiting;
  tell("nothing is canceled");
  return undefined;
}
