import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inject } from "vitest";
import { ROOT, SHELL, upsunApp } from "#test/support/upsun.ts";

/** What Upsun sets in the container, as far as nats cares. */
export interface Container {
  readonly PLATFORM_ENVIRONMENT: string;
  readonly PLATFORM_PROJECT_ENTROPY: string;
  readonly NATS_AUTH_TOKEN?: string;
}

/** A folder laid out as the nats app's container is, with the disk that survives deployments. */
export async function openNatsApp(): Promise<NatsApp> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-upsun-"));
  await symlink(join(ROOT, upsunApp("nats").source.root, "nats"), join(folder, "nats"));
  // In a container 4222 and 8222 are free; here they may not be. The rest is as the start command has it.
  const anyPorts = `#!/bin/sh\nexec "${inject("natsServerBin")}" "$@" -p -1 -m -1\n`;
  await writeFile(join(folder, "nats-server"), anyPorts, { mode: 0o755 });
  return new NatsApp(folder);
}

export class NatsApp implements AsyncDisposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs the start command of .upsun/config.yaml; resolves when the server is ready. */
  async start(container: Container): Promise<RunningNats> {
    const { variables, web } = upsunApp("nats");
    const { PATH: path = "" } = process.env;
    const server = spawn(SHELL, ["-c", web.commands.start], {
      cwd: this.#folder,
      // Port -1 lets the server choose a free one.
      env: {
        PATH: path,
        PORT: "-1",
        PLATFORM_APP_DIR: this.#folder,
        ...variables.env,
        ...container,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ports = await portsOf(server.stderr);
    server.stderr.resume(); // a full pipe would stop the server
    return new RunningNats(server, ports);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Ports {
  readonly websocket: number;
  readonly monitoring: number;
}

export class RunningNats implements AsyncDisposable {
  /** Where the container's nginx would send what reaches nats.internal:80. */
  readonly url: string;
  readonly monitoringPort: number;
  readonly pid: number;
  readonly #server: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(server: ChildProcess, { websocket, monitoring }: Ports) {
    this.url = `ws://127.0.0.1:${websocket}`;
    this.monitoringPort = monitoring;
    this.pid = Number(server.pid);
    this.#server = server;
    this.#exited = once(server, "exit");
  }

  /** Stops the server as Upsun does. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill("SIGTERM");
    await this.#exited;
  }
}

/** Reads the server's log until it is ready. */
async function portsOf(stderr: NodeJS.ReadableStream): Promise<Ports> {
  const log: string[] = [];
  const portIn = (pattern: RegExp) => Number(pattern.exec(log.join("\n"))?.[1]);
  for await (const line of createInterface({ input: stderr })) {
    log.push(line);
    if (!line.includes("Server is ready")) continue;
    return {
      websocket: portIn(/websocket clients on ws:\/\/127\.0\.0\.1:(\d+)/),
      monitoring: portIn(/http monitor on 127\.0\.0\.1:(\d+)/),
    };
  }
  throw new Error(`nats did not start:\n${log.join("\n")}`);
}
