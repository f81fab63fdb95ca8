import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { versionOf } from "./version-of.ts";

/** Where binaries that we fetched are kept, by version, for all checkouts of this user. */
export function cacheDirOf(env: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME, HOME } = env;
  const caches = XDG_CACHE_HOME || join(HOME || homedir(), ".cache");
  return join(caches, "millrace", "nats-server");
}

export function cachedBin(cacheDir: string, version: string): string {
  return join(cacheDir, version, "nats-server");
}

/**
 * Has a binary made in a folder of its own, sees that it runs, and moves it in
 * with one rename, so that nobody ever finds half a binary, and two who do this
 * at once each find a whole one.
 */
export async function intoCache(
  cacheDir: string,
  version: string,
  make: (folder: string) => Promise<string>,
): Promise<string> {
  const bin = cachedBin(cacheDir, version);
  await mkdir(join(cacheDir, version), { recursive: true });
  const folder = await mkdtemp(join(cacheDir, "incoming-"));
  try {
    const made = await make(folder);
    const actual = await versionOf(made);
    if (actual !== version) throw new Error(`it is ${actual}, not ${version}`);
    await rename(made, bin);
    return bin;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
