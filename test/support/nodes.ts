import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Another Node than ours, as npm installs it, in a folder of its own; or why it can't be had. */
export async function installNode(version: string): Promise<InstalledNode> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-node-"));
  // It comes by an install script.
  const manifest = { private: true, allowScripts: { node: true } };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", `node@${version}`];
  try {
    await run("npm", args, { cwd: folder });
    const bin = join(folder, "node_modules/node/bin/node");
    await run(bin, ["--version"]);
    return new InstalledNode(folder, { bin });
  } catch (error) {
    return new InstalledNode(folder, { missing: `no Node ${version}: ${error}` });
  }
}

export class InstalledNode implements AsyncDisposable {
  readonly #folder: string;
  readonly bin: string;
  /** Set where there is none. */
  readonly missing: string | undefined;

  constructor(folder: string, { bin = "", missing }: { bin?: string; missing?: string }) {
    this.#folder = folder;
    this.bin = bin;
    this.missing = missing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
