import { toJson } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { type Queue, QueueSchema } from "#gen/millrace/v1/queue_service_pb.ts";
import { wholeNumber } from "#lib/process/setting.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { atGateway, CALL, type Queues } from "../gateway/at-gateway.ts";
import { shownBytes } from "../terminal/bytes.ts";
import { print, printJson } from "../terminal/output.ts";
import { globalsOf } from "./globals.ts";
import { bytesValue } from "./option-values.ts";
import { pausedText } from "./queue-lines.ts";
import { byOption, type Requester, reasonOption } from "./requester.ts";

interface Limits {
  readonly maxTasks?: number;
  readonly maxBytes?: bigint;
}

const LIMITS_HELP = `
They hold for all gateways at once, outlive them, and come before what is configured. A limit below what lies in the
queue refuses new tasks and drops none.`;

/** pause, resume and limits. */
export function addQueueChanges(queues: Command): void {
  queues
    .command("pause")
    .description("have workers take no more tasks from a queue; those that run go on")
    .argument("<queue>", "the queue")
    .addOption(reasonOption())
    .addOption(byOption())
    .action((queue: string, { reason, by: requestedBy }: Requester, command: Command) =>
      change(command, (client) => client.pauseQueue({ queue, reason, requestedBy }, CALL)),
    );
  queues
    .command("resume")
    .description("end the pause of a queue")
    .argument("<queue>", "the queue")
    .action((queue: string, _options: object, command: Command) =>
      change(command, (client) => client.resumeQueue({ queue }, CALL)),
    );
  queues
    .command("limits")
    .description("set how much may lie in a queue; more is refused")
    .argument("<queue>", "the queue")
    .addOption(
      new Option("--max-tasks <n>", "tasks; 0 = as configured").argParser(
        wholeNumber(0, 100_000_000),
      ),
    )
    .addOption(
      new Option(
        "--max-bytes <bytes>",
        'bytes in the broker, e.g. "64MiB"; 0 = as configured',
      ).argParser(bytesValue),
    )
    .addHelpText("after", LIMITS_HELP)
    .action((queue: string, limits: Limits, command: Command) => setLimits(queue, limits, command));
}

async function setLimits(
  queue: string,
  { maxTasks, maxBytes }: Limits,
  command: Command,
): Promise<void> {
  if (maxTasks === undefined && maxBytes === undefined) {
    throw new CliError("name --max-tasks, --max-bytes or both", { exitCode: ExitCode.USAGE });
  }
  const limits = {
    ...(maxTasks !== undefined && { maxTasks: BigInt(maxTasks) }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
  await change(command, (client) => client.setQueueLimits({ queue, ...limits }, CALL));
}

async function change(
  command: Command,
  call: (client: Queues) => Promise<{ readonly queue?: Queue | undefined }>,
): Promise<void> {
  const { server, json } = globalsOf(command);
  await atGateway(server, async (_, client) => {
    const { queue } = await call(client);
    if (!queue) return;
    if (json) printJson(toJson(QueueSchema, queue));
    else print(told(queue));
  });
}

function told({ name, pause, maxTasks, maxBytes }: Queue): string {
  const state = pause ? pausedText(pause) : "not paused";
  const bytes = maxBytes === 0n ? "" : ` and ${shownBytes(Number(maxBytes))}`;
  return `${name}: up to ${maxTasks} tasks${bytes}, ${state}`;
}
