import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eachLine } from "../system/each-line.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A nats-server process, whether or not it serves yet. */
export interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when the process has ended and all that it printed is read. */
  readonly exited: Promise<Exit>;
  /** The last lines that it printed. */
  readonly lastLines: readonly string[];
}

const LINES_KEPT = 50;

/**
 * Runs nats-server in a process group of its own, for a Ctrl-C in the terminal is
 * for us: whoever works with the broker wants to leave it in order first.
 */
export async function launch(
  bin: string,
  configFile: string,
  log: (line: string) => void,
): Promise<Launched> {
  const child = spawn(bin, ["--config", configFile], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const lastLines: string[] = [];
  eachLine(child.stderr, (line) => {
    lastLines.push(line);
    if (lastLines.length > LINES_KEPT) lastLines.shift();
    log(line);
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  await once(child, "spawn");
  const pid = Number(child.pid);
  endWithUs(child, pid);
  return { child, pid, exited, lastLines };
}

/** A shell holds the reading end of our pipe: should we die, however, it sees that and ends the server. */
function endWithUs(child: ChildProcess, pid: number): void {
  const guard = spawn(
    "/bin/sh",
    ["-c", 'read -r _; kill -TERM "$0"; kill -CONT "$0"', String(pid)],
    { stdio: ["pipe", "ignore", "ignore"], detached: true },
  );
  guard.on("error", () => {});
  child.once("close", () => guard.kill("SIGKILL"));
}
