import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CliProcess, FREE_PORTS, startCli } from "./cli-process.ts";

/** What `up --json` says. */
interface Facts {
  readonly gatewayGrpc: string;
  readonly gatewayHttp: string;
  readonly monitorHttp: string;
  readonly nats: string;
  readonly pids: Readonly<Record<"nats" | "gateway" | "monitor" | "worker", number>>;
}

/** `millrace up` on free ports, in a folder that is gone with the end of the scope. */
export async function startUp(
  env: NodeJS.ProcessEnv = {},
  args: readonly string[] = ["--json"],
): Promise<RunningSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), "millrace-up-"));
  const up = startCli(["up", "--nats-port", "0", "--data-dir", dataDir, ...args], {
    ...FREE_PORTS,
    // A system that is killed leaves temporary files.
    TMPDIR: dataDir,
    ...env,
  });
  const system = new RunningSystem(up, dataDir);
  try {
    await up.until("stdout", "\n");
    return system;
  } catch (error) {
    await system[Symbol.asyncDispose]();
    throw error;
  }
}

export class RunningSystem implements AsyncDisposable {
  readonly up: CliProcess;
  readonly dataDir: string;

  constructor(up: CliProcess, dataDir: string) {
    this.up = up;
    this.dataDir = dataDir;
  }

  get facts(): Facts {
    return JSON.parse(this.up.printed.stdout);
  }

  get pids(): number[] {
    return Object.values(this.facts.pids);
  }

  /** Arguments that lead a command to this system. */
  get server(): readonly string[] {
    return ["--server", this.facts.gatewayGrpc];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.up[Symbol.asyncDispose]();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
