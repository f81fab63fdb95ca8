import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type ListQueuesResponse,
  ListQueuesResponseSchema,
} from "#gen/millrace/v1/queue_service_pb.ts";
import { pause } from "#lib/async/pause.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, CALL, type Queues } from "../gateway/at-gateway.ts";
import { StopSignals } from "../stop-signals.ts";
import { outputColumns, print, printJson } from "../terminal/output.ts";
import { Repainted } from "../terminal/repainted.ts";
import { globalsOf } from "./globals.ts";
import { queueLines } from "./queue-lines.ts";
import { addQueueChanges } from "./queues-change.ts";
import { addParked } from "./queues-parked.ts";
import { addPurge } from "./queues-purge.ts";
import { explainNoUnknown, refuseUnknownCommand } from "./unknown-command.ts";

const EVERY_MS = 2_000;

export function addQueues(program: Command): void {
  const queues = program
    .command("queues")
    .description("show the queues; pause, resume, purge and limit them")
    .option("--watch", "show them anew every 2 s, until Ctrl-C", false)
    .allowExcessArguments()
    .action(async ({ watch }: { watch: boolean }, command: Command) => {
      // Commander would say that they are too many.
      refuseUnknownCommand(command);
      const { server, json } = globalsOf(command);
      process.exitCode = await atGateway(server, async (_, client) => {
        if (watch) return watchQueues(client, json);
        show(await client.listQueues({}, CALL), json);
        return ExitCode.SUCCEEDED;
      });
    });
  queues.hook("preSubcommand", (_, change) => {
    if (queues.opts()["watch"]) queues.error(`error: --watch does not go with '${change.name()}'`);
  });
  explainNoUnknown(queues);
  addQueueChanges(queues);
  addPurge(queues);
  addParked(queues);
}

async function watchQueues(client: Queues, json: boolean): Promise<ExitCode> {
  using stop = new StopSignals();
  const area = process.stdout.isTTY && !json ? new Repainted(process.stdout) : undefined;
  while (!stop.leaving.aborted) {
    const response = await client.listQueues({}, CALL);
    if (area) area.paint(queueLines(response.queues, Date.now(), area.columns));
    else show(response, json);
    await pause(EVERY_MS, stop.leaving);
  }
  return ExitCode.INTERRUPTED;
}

function show(response: ListQueuesResponse, json: boolean): void {
  if (json) printJson(toJson(ListQueuesResponseSchema, response));
  else print(...queueLines(response.queues, Date.now(), outputColumns()));
}
