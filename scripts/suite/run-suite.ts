import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";

const root = dirname(dirname(import.meta.dirname));
const VITEST = join(root, "node_modules/vitest/vitest.mjs");
const REPORTER = join(root, "scripts/suite/reporter.ts");
const INTERRUPTED_EXIT = 130;

interface Suite {
  /** Of vitest.config.ts. */
  readonly project: string;
  /** Only tests whose sentence contains this. */
  readonly filter: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs a project of the tests at length, and prints a line for each test; resolves to the exit code. All that it starts
 * is in a process group of its own, so that it can be ended with it.
 */
export async function runSuite({ project, filter, env }: Suite): Promise<number> {
  const args = [
    VITEST,
    "run",
    "--root",
    root,
    "--project",
    `${project}*`,
    "--no-file-parallelism",
    "--reporter",
    REPORTER,
  ];
  // Vitest takes it for a regular expression.
  if (filter) args.push("--testNamePattern", filter.replaceAll(/[^\w\s]/g, "\\$&"));
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: "inherit",
    detached: true,
  });
  const exited = once(child, "exit");
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      interrupted = true;
      // Services go with the group; every nats-server is in a group of its own, and ends when its starter does.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    });
  }
  const [code] = await exited;
  return interrupted ? INTERRUPTED_EXIT : (code ?? 1);
}
