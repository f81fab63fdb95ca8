import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "./until.ts";
import { unusedPort } from "./unused-port.ts";

const run = promisify(execFile);

/** Where docs/operations.md has the doors and the proxy itself. */
const DOCS = { connect: "127.0.0.1:8080", grpc: "127.0.0.1:50051", http: "80", http2: "81" };

/** The ports of the doors behind a proxy. */
export interface Behind {
  readonly connect: number;
  readonly grpc: number;
}

interface Kind {
  readonly name: string;
  readonly version: readonly string[];
  /** The proxy's own settings around what it proxies: where it may write, and that it stays in the foreground. */
  readonly around: (config: string, folder: string) => string;
  readonly start: (file: string, folder: string) => readonly string[];
}

const NGINX: Kind = {
  name: "nginx",
  version: ["-v"],
  around: (config, folder) => `
    daemon off; pid ${folder}/pid; worker_processes 1; ${process.getuid?.() === 0 ? "user root;" : ""}
    events {}
    http {
      access_log off; gzip on;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${folder}/${of};`).join(" ")}
      ${config}
    }`,
  start: (file, folder) => ["-e", "stderr", "-p", folder, "-c", file],
};

const CADDY: Kind = {
  name: "caddy",
  version: ["version"],
  around: (config) => config.replace("{\n", "{\n\tadmin off\n\tauto_https off\n"),
  start: (file) => ["run", "--adapter", "caddyfile", "--config", file],
};

const HAPROXY: Kind = {
  name: "haproxy",
  version: ["-v"],
  around: (config) => `global\n  maxconn 1000\n${config}`,
  start: (file) => ["-db", "-f", file],
};

const KINDS = [NGINX, CADDY, HAPROXY];

/** The proxies that we know, and whether this machine has them. */
export const PROXIES = await Promise.all(
  KINDS.map(async ({ name, version }) => ({
    name,
    installed: await run(name, version).then(
      () => true,
      () => false,
    ),
  })),
);

/** A real proxy in front of doors. */
export class RunningProxy implements AsyncDisposable {
  /** Leads to the Connect door. */
  readonly http: number;
  /** Leads to the gRPC door. */
  readonly http2: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, ports: { http: number; http2: number }) {
    this.#child = child;
    this.#folder = folder;
    this.http = ports.http;
    this.http2 = ports.http2;
  }

  /** With the settings that docs/operations.md tells, or with others of the same form. */
  static async start(name: string, behind: Behind, settings?: string): Promise<RunningProxy> {
    const kind = KINDS.find((one) => one.name === name);
    if (!kind) throw new Error(`no proxy is called ${name}`);
    const folder = await mkdtemp(join(tmpdir(), `millrace-${name}-`));
    const ports = { http: await unusedPort(), http2: await unusedPort() };
    const file = join(folder, "config");
    const config = placed(settings ?? (await documented(name)), behind, ports);
    await writeFile(file, kind.around(config, folder));
    const child = spawn(name, kind.start(file, folder), {
      env: { PATH: process.env["PATH"], XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const proxy = new RunningProxy(child, folder, ports);
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    await until(() => child.exitCode !== null || answers(ports.http));
    if (child.exitCode === null) return proxy;
    await proxy[Symbol.asyncDispose]();
    throw new Error(`${name} ended: ${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, "exit");
      // Not SIGKILL, which would leave nginx's workers behind.
      this.#child.kill("SIGTERM");
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function documented(name: string): Promise<string> {
  const page = await readFile("docs/operations.md", "utf8");
  const [, block] = new RegExp(`\`\`\`${name}\n(.*?)\`\`\``, "s").exec(page) ?? [];
  if (!block) throw new Error(`docs/operations.md has no settings for ${name}`);
  return block;
}

/** The settings with the ports of this machine. */
function placed(config: string, behind: Behind, { http, http2 }: { http: number; http2: number }) {
  const at = (port: number) => `127.0.0.1:${port}`;
  return config
    .replaceAll(DOCS.connect, at(behind.connect))
    .replaceAll(DOCS.grpc, at(behind.grpc))
    .replaceAll(new RegExp(`(?<=(^|\\s):|listen )${DOCS.http}\\b`, "gm"), String(http))
    .replaceAll(new RegExp(`(?<=(^|\\s):|listen )${DOCS.http2}\\b`, "gm"), String(http2));
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
