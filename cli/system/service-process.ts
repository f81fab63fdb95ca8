import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { callLater } from "#lib/async/timers.ts";
import type { ServiceName } from "#lib/process/setting.ts";
import { eachLine } from "./each-line.ts";
import { endWithUs } from "./end-with-us.ts";
import type { Exit, Running } from "./running.ts";

export interface ServiceOptions {
  readonly service: ServiceName;
  readonly env: NodeJS.ProcessEnv;
  /** Gets what the service prints, line by line. */
  readonly onLine: (line: string) => void;
  /** How long it may take to leave before it is killed. */
  readonly leaveLimitMs: number;
}

/**
 * Starts a service, in a process group of its own: a Ctrl-C in the terminal is for us, who ask one service after the
 * other to leave.
 */
export async function startService(options: ServiceOptions): Promise<Running> {
  const main = fileURLToPath(
    new URL(`../../services/${options.service}/main.mjs`, import.meta.url),
  );
  const child = spawn(process.execPath, [main], {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) {
    eachLine(stream, options.onLine);
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  await once(child, "spawn");
  endWithUs(child);
  return {
    pid: Number(child.pid),
    exited,
    kill: (signal) => child.kill(signal),
    stop: () => stop(child, exited, options.leaveLimitMs),
  };
}

async function stop(
  child: ChildProcess,
  exited: Promise<Exit>,
  leaveLimitMs: number,
): Promise<void> {
  child.kill("SIGTERM");
  using _impatience = callLater(leaveLimitMs, () => child.kill("SIGKILL"));
  await exited;
}
