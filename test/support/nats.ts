import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";
import { NatsServerError } from "#cli/nats-server/nats-server-error.ts";
import {
  type NatsServerOptions,
  type NatsServerProcess,
  startNatsServer,
} from "#cli/nats-server/run-nats-server.ts";

export type TestNatsOptions = Partial<NatsServerOptions>;

/**
 * Below the ports that the kernel hands out: while the server is down, nobody may
 * be given its port, nor may a client that tries again connect to itself.
 */
const PORTS = [15_000, 30_000] as const;

/** A fresh nats-server with a store of its own, both gone with the end of the scope. */
export async function startTestNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-test-"));
  const given = { bin: inject("natsServerBin"), storeDir: join(folder, "store"), ...options };
  try {
    return new TestNats(await startOnUnusedPort(given), given, folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** A nats-server that a test may treat badly. */
export class TestNats implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #options: NatsServerOptions;
  readonly #folder: string;
  #server: NatsServerProcess;

  constructor(server: NatsServerProcess, options: NatsServerOptions, folder: string) {
    this.url = server.url;
    this.port = server.port;
    this.#options = options;
    this.#folder = folder;
    this.#server = server;
  }

  get pid(): number {
    return this.#server.pid;
  }

  get monitorUrl(): string | undefined {
    return this.#server.monitorUrl;
  }

  get storeDir(): string {
    return this.#options.storeDir;
  }

  /** Resolves when the server is gone. */
  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#server.kill(signal);
    await this.#server.exited;
  }

  /** Serves again on the same port with the same store; a server that still runs is stopped first. */
  async restart(): Promise<void> {
    await this.#server.stop();
    this.#server = await startNatsServer({ ...this.#options, port: this.port });
  }

  /** Connections stay open, but from when this resolves until `resume` nothing answers. */
  async pause(): Promise<void> {
    this.#server.kill("SIGSTOP");
    await untilStopped(this.pid);
  }

  resume(): void {
    this.#server.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function startOnUnusedPort(options: NatsServerOptions): Promise<NatsServerProcess> {
  for (;;) {
    try {
      return await startNatsServer({ port: randomInt(...PORTS), ...options });
    } catch (error) {
      const chosenByUs = options.port === undefined;
      if (!(chosenByUs && error instanceof NatsServerError && error.problem === "port-in-use")) {
        throw error;
      }
    }
  }
}

/** A signal is only on its way when it has been sent, and each thread stops by itself. */
async function untilStopped(pid: number): Promise<void> {
  for (;;) {
    const states = await (process.platform === "linux" ? threadStates(pid) : processState(pid));
    if (states.every((state) => state.startsWith("T"))) return;
  }
}

async function threadStates(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8"));
  return (await Promise.all(stats)).map((stat) => stat.slice(stat.lastIndexOf(")") + 2));
}

async function processState(pid: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)]);
  return [stdout.trim()];
}
