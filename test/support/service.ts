import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eachLine } from "#cli/system/each-line.ts";
import { programOf } from "./programs.ts";
import { until } from "./until.ts";

/** A line of a service's log. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** How node is started, where that is not as ever. */
export interface Launch {
  /** A command that gets node's as its last arguments, and becomes it: what the process is then to its signals. */
  readonly through?: readonly string[];
  readonly node?: string;
  /** What node is told on its command line. */
  readonly flags?: readonly string[];
}

const ANSWER_MS = 5_000;

/** A real service in a process of its own, on free ports. */
export class Service implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #log: LogEntry[] = [];
  readonly #waiting = new Set<() => void>();
  readonly exited: Promise<number | null>;
  stderr = "";

  constructor(
    main: string,
    env: Readonly<Record<string, string>>,
    { through = [], node = process.execPath, flags = [] }: Launch = {},
  ) {
    const [command = node, ...args] = [...through, node, ...flags, programOf(main)];
    this.#child = spawn(command, args, {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exited = once(this.#child, "exit").then(([code]) => {
      this.#wakeAll();
      return code;
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.stderr += String(chunk);
    });
    if (!this.#child.stdout) return;
    eachLine(this.#child.stdout, (line) => {
      this.#log.push(JSON.parse(line));
      this.#wakeAll();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first line of its log with the message; fails if it exits without. */
  async logged(message: string, matches: (entry: LogEntry) => boolean = () => true) {
    for (;;) {
      const entry = this.#log.find((line) => line["msg"] === message && matches(line));
      if (entry) return entry;
      if (this.hasExited) {
        throw new Error(`exited without logging "${message}": ${this.stderr}${this.tail()}`);
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Resolves when it says at /readyz of this address that it is ready; fails, and ends it, if it is not in its time. */
  async ready(url: string): Promise<void> {
    try {
      await until(async () => {
        if (this.hasExited) return true;
        // One whose process ends meanwhile has been seen to stay without an answer and without an error.
        return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) })).ok;
      });
    } catch (cause) {
      this.kill("SIGKILL");
      throw new Error(`is not ready: ${this.stderr}${this.tail()}`, { cause });
    }
    if (this.hasExited) throw new Error(`exited before it was ready: ${this.stderr}${this.tail()}`);
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** All that it has logged. */
  get entries(): readonly LogEntry[] {
    return this.#log;
  }

  /** The end of its log, for error messages. */
  tail(): string {
    return this.#log
      .slice(-10)
      .map((entry) => JSON.stringify(entry))
      .join("\n");
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasExited) {
      this.#child.kill("SIGCONT");
      this.#child.kill("SIGKILL");
    }
    await this.exited;
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
