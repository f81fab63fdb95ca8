import { join } from "node:path";
import type { Command } from "commander";
import { aborted } from "#lib/async/abort.ts";
import { oneOf, wholeNumber } from "#lib/process/setting.ts";
import { joinAddress } from "#lib/rpc/listen.ts";
import { ExitCode } from "../exit-code.ts";
import { StopSignals } from "../stop-signals.ts";
import { type DataDir, lockDataDir, lockNextDataDir } from "../system/data-dir.ts";
import { type Door, doorsOf, everyDoor, refuseTaken, withFreePorts } from "../system/doors.ts";
import { freePort } from "../system/free-port.ts";
import { Journal } from "../system/journal.ts";
import { natsHostOf } from "../system/nats-host.ts";
import { makePrivately } from "../system/private.ts";
import { readyFacts, readyLines } from "../system/ready-text.ts";
import { servicesEnv } from "../system/services-env.ts";
import { System } from "../system/system.ts";
import { shownDuration } from "../terminal/duration.ts";
import { print, printJson, tell } from "../terminal/output.ts";
import { jsonOf } from "./globals.ts";
import { textValue } from "./option-values.ts";

interface UpOptions {
  readonly workers: number;
  readonly ports?: "auto";
  readonly natsPort?: number;
  readonly dataDir?: string;
  readonly logs: boolean;
}

interface Up extends UpOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
}

const HELP = `
Settings of the services are environment variables: \`npx node services/gateway/main.mjs --help\` lists them. NATS_SERVERS
names a NATS to use; without it, a nats-server is found or fetched, and started.`;

const NATS_PORT = 4222;
const DATA_DIR = ".millrace";

export function addUp(program: Command, env: NodeJS.ProcessEnv): void {
  program
    .command("up")
    .description(
      "run a whole Millrace on this machine until Ctrl-C: NATS, gateway, monitor, workers",
    )
    .option("--workers <n>", "worker processes", wholeNumber(1, 64), 1)
    .option(
      "--ports <auto>",
      "auto: a free port wherever none is set, and the first data folder that no other Millrace uses, to run beside others",
      oneOf("auto"),
    )
    .option(
      "--nats-port <port>",
      `port of NATS; 0 = any free one (default: ${NATS_PORT})`,
      wholeNumber(0, 65_535),
    )
    .option(
      "--data-dir <folder>",
      `where data and logs are kept, closed to other users (default: "${DATA_DIR}")`,
      textValue,
    )
    .option("--logs", "show all that the services log, not only warnings and errors", false)
    .addHelpText("after", HELP)
    .action(async (options: UpOptions, command: Command) => {
      const json = jsonOf(command);
      process.exitCode = await up({ ...options, env: servicesEnv(env), json });
    });
}

async function up(options: Up): Promise<ExitCode> {
  const { env, workers, logs, ports } = options;
  makePrivately();
  using stop = new StopSignals();
  const doors = await doorsOf(ports === "auto" ? withFreePorts(env) : env, workers);
  const natsPort = await natsPortOf(options);
  await using data = await lockedDataDir(options);
  const dataDir = data.path;
  const nats = env["NATS_SERVERS"] ? [] : [natsDoor(natsHostOf(env), natsPort)];
  await refuseTaken([...everyDoor(doors), ...nats]);
  const folder = join(dataDir, "logs");
  await using journal = new Journal({ folder, tell, everything: logs });
  await using system = new System({ env, dataDir, natsPort, doors, journal, tell });
  stop.atOnce.addEventListener("abort", () => system.kill());
  if (await starts(system, stop.leaving)) {
    if (options.json) printJson(readyFacts(system, doors));
    else print(...(await readyLines(system, doors, dataDir)));
    await aborted(stop.leaving);
  }
  tell("stopping; Ctrl-C again stops at once");
  const startedAt = performance.now();
  await system.stop();
  tell(`stopped in ${shownDuration(performance.now() - startedAt)}`);
  return stop.atOnce.aborted ? ExitCode.INTERRUPTED : ExitCode.SUCCEEDED;
}

async function natsPortOf({ env, ports, natsPort }: Up): Promise<number> {
  const wanted = natsPort ?? (ports === "auto" ? 0 : NATS_PORT);
  return wanted || (await freePort(natsHostOf(env)));
}

function lockedDataDir({ ports, dataDir }: UpOptions): Promise<DataDir> {
  if (dataDir !== undefined) return lockDataDir(dataDir);
  return ports === "auto" ? lockNextDataDir(DATA_DIR) : lockDataDir(DATA_DIR);
}

/** False: it was asked to stop before it was ready. */
async function starts(system: System, leaving: AbortSignal): Promise<boolean> {
  try {
    await system.start(leaving);
  } catch (error) {
    if (!leaving.aborted) throw error;
  }
  return !leaving.aborted;
}

function natsDoor(host: string, port: number): Door {
  return {
    port,
    host,
    what: "NATS",
    chosenBy: `--nats-port, or NATS_SERVERS=nats://${joinAddress(host, port)} to use a NATS that runs there`,
  };
}
