import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { programOf } from "#test/support/programs.ts";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const MAIN = fileURLToPath(new URL("../../../cli/main.mjs", import.meta.url));

/** Services on free ports, so that nobody else's system is in the way. */
export const FREE_PORTS = {
  MILLRACE_GATEWAY_GRPC_PORT: "0",
  MILLRACE_GATEWAY_HTTP_PORT: "0",
  MILLRACE_MONITOR_GRPC_PORT: "0",
  MILLRACE_MONITOR_HTTP_PORT: "0",
  MILLRACE_WORKER_HTTP_PORT: "0",
};

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `millrace …`, with an environment that has nothing of whoever runs the tests but what it needs. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliProcess {
  const main = programOf("cli/main.ts");
  return new CliProcess(spawn(process.execPath, [main, ...args], { env: cliEnv(env) }));
}

export const hasTerminals = spawnSync("script", ["--version"]).status === 0;

/** The same on a terminal, whose two outputs are both in `stdout`. */
export function startCliOnTerminal(args: readonly string[]): CliProcess {
  const command = [process.execPath, programOf("cli/main.ts"), ...args].map((word) => `'${word}'`);
  const env = cliEnv({ TERM: "xterm" });
  return new CliProcess(spawn("script", ["-qec", command.join(" "), "/dev/null"], { env }));
}

export async function runCli(args: readonly string[], input = ""): Promise<Ended> {
  const cli = startCli(args);
  cli.write(input);
  return cli.ended;
}

export function cliEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, NATS_SERVER_BIN: inject("natsServerBin"), ...env };
}

export class CliProcess implements AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #printed = { stdout: "", stderr: "" };

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.pid = Number(child.pid);
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        this.#printed[name] += text;
      });
    }
    this.ended = once(child, "close").then(([code]) => ({ code, ...this.#printed }));
  }

  get printed(): Readonly<Record<"stdout" | "stderr", string>> {
    return this.#printed;
  }

  write(input: string): void {
    this.#child.stdin.end(input);
  }

  /** Presses keys at its terminal. */
  press(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Reads nothing more of what it prints, as `head` does when it has its lines. */
  hangUp(): void {
    this.#child.stdout.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when the text has been printed; rejects when the process ends without. */
  async until(name: "stdout" | "stderr", text: string): Promise<void> {
    const closed = this.ended.then(({ stderr }) => {
      if (!this.#printed[name].includes(text))
        throw new Error(`ended without "${text}": ${stderr}`);
    });
    while (!this.#printed[name].includes(text)) {
      await Promise.race([once(this.#child[name], "data"), closed]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.ended;
  }
}
