import { join } from "node:path";
import { CliError } from "../cli-error.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { atGateway } from "../gateway/at-gateway.ts";
import { StopSignals } from "../stop-signals.ts";
import { addressOf, type Doors, doorsOf, FREE_PORTS } from "../system/doors.ts";
import { freePort } from "../system/free-port.ts";
import { Journal } from "../system/journal.ts";
import { makePrivately } from "../system/private.ts";
import { System } from "../system/system.ts";
import { tempFolder } from "../system/temp-folder.ts";
import { serveArticle } from "./article-server.ts";
import { DemoScreen } from "./demo-screen.ts";
import { summarize } from "./summarize.ts";

export interface DemoOptions {
  readonly env: NodeJS.ProcessEnv;
  /** None: the demo's own page. */
  readonly url?: string;
  readonly detailed: boolean;
  readonly json: boolean;
}

interface Stage {
  readonly doors: Doors;
  readonly system: System;
  readonly screen: DemoScreen;
  readonly page: string;
}

/** A part that is not ready by then never will be. */
const START_LIMIT_MS = 60_000;
const HOST = "127.0.0.1";

/** In a NATS that others use too, the demo's task must not go to their workers. */
const OWN_QUEUE = "millrace-demo";

/** One task through a whole system, from nothing to nothing. */
export async function runDemo(options: DemoOptions): Promise<ExitCode> {
  makePrivately();
  using stop = new StopSignals();
  const screen = new DemoScreen(options);
  const { tell } = screen;
  await using folder = await tempFolder("millrace-demo-");
  await using article = await serveArticle();
  const env = demoEnv(options.env, article.address);
  const doors = await doorsOf(env, 1);
  const logs = join(folder.path, "logs");
  await using journal = new Journal({ folder: logs, tell, everything: false });
  const natsPort = await freePort(HOST);
  await using system = new System({ env, dataDir: folder.path, natsPort, doors, journal, tell });
  stop.leaving.addEventListener("abort", () => screen.stopping());
  stop.atOnce.addEventListener("abort", () => system.kill());
  const page = options.url ?? article.url;
  try {
    return await perform({ doors, system, screen, page }, options, stop.leaving);
  } catch (error) {
    if (stop.leaving.aborted) return ExitCode.INTERRUPTED;
    throw error;
  }
}

async function perform(
  { doors, system, screen, page }: Stage,
  options: DemoOptions,
  leaving: AbortSignal,
): Promise<ExitCode> {
  screen.starting();
  await startInTime(system, leaving);
  const server = addressOf(doors.gatewayGrpc);
  screen.ready(server, page);
  const { detailed, env } = options;
  const asked = { page, detailed, queue: queueOf(env) };
  const state = await atGateway(server, (tasks) => summarize(tasks, asked, { screen, leaving }));
  if (state === undefined) return ExitCode.INTERRUPTED;
  return exitCodeOf(state);
}

async function startInTime(system: System, leaving: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  try {
    await system.start(AbortSignal.any([leaving, limit]));
  } catch (error) {
    if (!limit.aborted) throw error;
    const text = `the system was not ready within ${START_LIMIT_MS / 1000} s`;
    throw new CliError(text, { exitCode: ExitCode.FAILED, cause: error });
  }
}

function demoEnv(env: NodeJS.ProcessEnv, article: string): NodeJS.ProcessEnv {
  const { MILLRACE_FETCH_ALLOW_HOSTS: allowed } = env;
  const queue = queueOf(env);
  return {
    ...env,
    ...FREE_PORTS,
    MILLRACE_HOST: HOST,
    MILLRACE_FETCH_ALLOW_HOSTS: [allowed, article].filter(Boolean).join(","),
    ...(queue !== "" && { MILLRACE_QUEUES: queue }),
  };
}

/** Empty: the default one. */
function queueOf({ NATS_SERVERS: shared }: NodeJS.ProcessEnv): string {
  return shared ? OWN_QUEUE : "";
}
