import { CommanderError } from "commander";
import { leavingSignal } from "./leaving.ts";
import { loadSettings } from "./load-settings.ts";
import { type Log, openLog } from "./log.ts";
import { isOpenToNetwork, openToNetwork } from "./open-to-network.ts";
import type { ServiceName } from "./setting.ts";
import type { Settings } from "./settings.ts";
import { SetupError } from "./setup-error.ts";
import { StartupError } from "./startup-error.ts";
import { VERSION } from "./version.ts";

export interface Running {
  readonly settings: Settings;
  readonly log: Log;
  /** Aborts when the process is asked to stop. */
  readonly leaving: AbortSignal;
}

export interface Invocation {
  readonly env: NodeJS.ProcessEnv;
  readonly argv: readonly string[];
}

const WRONGLY_SET_UP = 2;

/**
 * The life of a service's process: settings, log, the work, and an exit code: 0 when it was asked to stop and did, 1
 * when it could not go on, 2 when it was set up wrongly.
 */
export async function runService(
  service: ServiceName,
  { env, argv }: Invocation,
  work: (running: Running) => Promise<void>,
): Promise<void> {
  outliveOutput();
  const settings = orComplain(() => loadSettings(service, env, argv));
  if (!settings) return;
  const log = openLog({ name: service, level: settings.logLevel, format: settings.logFormat });
  try {
    const leaving = leavingSignal();
    leaving.addEventListener("abort", () => log.info(`${leaving.reason.message}`));
    const { host, namespace, givenBy } = settings;
    log.info({ version: VERSION, pid: process.pid, ...(namespace && { namespace }) }, "starting");
    if (await isOpenToNetwork(host)) log.warn({ host }, openToNetwork(host, givenBy.host));
    await work({ settings, log, leaving });
    log.info("left");
  } catch (error) {
    if (error instanceof StartupError) log.fatal(error.message);
    else log.fatal({ err: error }, "stopped by an error");
    process.exitCode = error instanceof SetupError ? WRONGLY_SET_UP : 1;
  }
  endSoon();
}

/**
 * Standard output and error may be files on a full disk, or pipes whose reader is gone. That ends neither the service nor
 * what its log and others, such as a handler's console.log, go on to print.
 */
function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

/** What was left behind, such as a handler that ignores its signal, must not keep a process that was asked to stop. */
function endSoon(): void {
  setTimeout(() => process.exit(), 1_000).unref();
}

function orComplain<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode && WRONGLY_SET_UP;
    else if (error instanceof StartupError) complain(error.message);
    else throw error;
    return undefined;
  }
}

function complain(message: string): void {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = WRONGLY_SET_UP;
}
