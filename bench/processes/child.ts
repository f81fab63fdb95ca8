import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eachLine } from "#cli/system/each-line.ts";
import { endWithUs } from "#cli/system/end-with-us.ts";
import type { Role, RoleProcess } from "../measure/meter.ts";

export interface ChildOptions {
  readonly role: Role;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Opens a channel for messages, as `process.send` uses it. */
  readonly channel?: boolean;
}

const LINES_KEPT = 40;

/**
 * A process of a system under test. It leads a process group, so that whatever it starts ends with it, and it ends with us,
 * however we do.
 */
export class Child implements RoleProcess, AsyncDisposable {
  static readonly #living = new Set<Child>();
  static #isOver = false;

  readonly role: Role;
  readonly pid: number;
  readonly process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();

  private constructor(role: Role, child: ChildProcess) {
    this.role = role;
    this.process = child;
    this.pid = Number(child.pid);
    this.#exited = once(child, "exit").then(() => {
      Child.#living.delete(this);
      this.#wake();
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) eachLine(stream, (line) => this.#keep(line));
    }
    Child.#living.add(this);
    endWithUs(child);
  }

  static async start(options: ChildOptions): Promise<Child> {
    const { role, command, args, env, cwd, channel } = options;
    if (Child.#isOver) throw new Error(`no ${role} is started any more`);
    const child = spawn(command, args, {
      env,
      cwd,
      stdio: ["ignore", "pipe", "pipe", ...(channel ? (["ipc"] as const) : [])],
      detached: true,
      // JSON has no NaN, which a latency is that nobody saw.
      serialization: "advanced",
    });
    await once(child, "spawn");
    return new Child(role, child);
  }

  /** For a benchmark that was asked to stop: whatever waits for one of them then fails, and so does whoever starts another. */
  static endAll(): void {
    Child.#isOver = true;
    for (const child of Child.#living) child.kill();
  }

  get hasExited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** What a line that it printed, or will print, says; fails if it ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = this.#lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (found) return found;
      this.throwIfExited();
      await new Promise<void>((resolve) => this.#listeners.add(resolve));
    }
  }

  throwIfExited(): void {
    if (this.hasExited) this.throwExited();
  }

  throwExited(): never {
    const { exitCode, signalCode } = this.process;
    const how = signalCode ?? `exit code ${exitCode}`;
    throw new Error(`the ${this.role} has ended (${how}):\n${this.#lines.join("\n")}`);
  }

  /** At once: what it would put in order goes with its data. */
  kill(): void {
    if (!this.hasExited) process.kill(-this.pid, "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#exited;
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    this.#wake();
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
