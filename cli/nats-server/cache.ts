import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolders } from "#lib/process/make-folders.mjs";
import { userCaches } from "#lib/process/user-caches.mjs";
import { isAsNoted, noteHash } from "./noted-hash.ts";
import { versionOf } from "./version-of.ts";

const NAME = "nats-server";

/** Where binaries that we fetched are kept, by version, for all checkouts of this user. */
export function cacheDirOf(env: NodeJS.ProcessEnv): string {
  return join(userCaches(env), "nats-server");
}

export function cachedBin(cacheDir: string, version: string): string {
  return join(cacheDir, version, NAME);
}

/**
 * Has a binary made in a folder of its own, sees that it runs, and moves it in together with the note of its hash, with
 * one rename, so that nobody ever finds half of it.
 */
export async function intoCache(
  cacheDir: string,
  version: string,
  make: (folder: string) => Promise<string>,
): Promise<string> {
  makeFolders(cacheDir);
  const folder = await mkdtemp(join(cacheDir, "incoming-"));
  try {
    const made = await make(folder);
    const actual = await versionOf(made);
    if (actual !== version) throw new Error(`it is ${actual}, not ${version}`);
    const whole = join(folder, "whole");
    await mkdir(whole);
    await rename(made, join(whole, NAME));
    await noteHash(join(whole, NAME));
    await place(whole, { cacheDir, version, aside: join(folder, "aside") });
    return cachedBin(cacheDir, version);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly cacheDir: string;
  readonly version: string;
  /** Where what is broken goes. */
  readonly aside: string;
}

/** Of two that do this at once the first one's stays, for it may be running already. */
async function place(whole: string, { cacheDir, version, aside }: Place): Promise<void> {
  const target = join(cacheDir, version);
  if (await movedTo(target, whole)) return;
  if (await isWhole(cachedBin(cacheDir, version), version)) return;
  await rename(target, aside);
  await movedTo(target, whole);
}

/** Whether the place was free. */
async function movedTo(target: string, folder: string): Promise<boolean> {
  try {
    await rename(folder, target);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}

async function isWhole(bin: string, version: string): Promise<boolean> {
  try {
    return (await isAsNoted(bin)) && (await versionOf(bin)) === version;
  } catch {
    return false;
  }
}
