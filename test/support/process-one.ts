import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { until } from "./until.ts";

const NAMESPACE = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];

/** Whether this machine lets us start a process 1: that takes Linux with user namespaces. */
export const CAN_BE_PROCESS_ONE = spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;

/** Node as process 1 of a container: the system keeps from it every signal that it has no listener for. */
export class ProcessOne implements AsyncDisposable {
  readonly #unshare: ChildProcess;
  readonly #lines: string[] = [];
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number | null>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#unshare = spawn("unshare", [...NAMESPACE, process.execPath, ...args], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const output of [this.#unshare.stdout, this.#unshare.stderr])
      if (output) createInterface(output).on("line", (line) => this.#lines.push(line));
    this.exited = once(this.#unshare, "exit").then(([code]) => code);
  }

  /** All that it has printed. */
  get printed(): string {
    return this.#lines.join("\n");
  }

  async until(text: string): Promise<void> {
    await until(() => this.printed.includes(text));
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this.#unshare;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    process.kill(Number(children), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unshare.kill("SIGKILL");
    await this.exited;
  }
}
