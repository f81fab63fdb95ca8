import { execFile } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Machine } from "./report/report.ts";

const run = promisify(execFile);

/** What it was measured on. */
export async function machineFacts(dataDir: string): Promise<Machine> {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    disk: await outputOf("df", ["--output=fstype", dataDir]),
  };
}

/** The commit that is measured, with a mark if files were changed since. */
export async function commitOf(root: string): Promise<string> {
  const id = await outputOf("git", ["-C", root, "rev-parse", "--short", "HEAD"]);
  const changes = await outputOf("git", ["-C", root, "status", "--porcelain", "-uno"]);
  return changes === "" ? id : `${id} with changes`;
}

/** The last line that a command prints. */
async function outputOf(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(command, args);
    return stdout.trim().split("\n").at(-1) ?? "";
  } catch {
    return "unknown";
  }
}
