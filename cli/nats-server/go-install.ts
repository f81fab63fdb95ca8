import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { unlikeModules } from "./go-modules.ts";
import type { Search } from "./search.ts";

const NEWS_EVERY_MS = 5_000;

/** What `go install` is to build. */
export function goModule(version: string): string {
  return `github.com/nats-io/nats-server/v2@v${version}`;
}

/** Builds nats-server in a folder, and makes sure that it is built from the modules that we name. */
export async function goInstall(go: string, folder: string, search: Search): Promise<string> {
  const { env, version, onProgress, signal } = search;
  const started = performance.now();
  const news = setInterval(() => {
    const seconds = Math.round((performance.now() - started) / 1000);
    onProgress(`still building nats-server ${version} (${seconds} s)`);
  }, NEWS_EVERY_MS);
  try {
    const build = spawn(go, ["install", goModule(version)], {
      cwd: folder,
      env: { ...env, GOBIN: folder, CGO_ENABLED: "0" },
      stdio: ["ignore", "ignore", "pipe"],
      signal,
    });
    const [[code], said] = await Promise.all([once(build, "close"), text(build.stderr)]);
    if (code !== 0) throw new Error(`go install failed: ${said.trim().split("\n").at(-1)}`);
    const bin = join(folder, "nats-server");
    const { stdout } = await promisify(execFile)(go, ["version", "-m", bin], { env, signal });
    const fault = unlikeModules(stdout, search.modules);
    if (fault) throw new Error(`what go install built is refused: ${fault}`);
    return bin;
  } finally {
    clearInterval(news);
  }
}
