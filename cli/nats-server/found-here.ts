import { isAtLeast } from "#lib/broker/link/server-version.ts";
import { cachedBin } from "./cache.ts";
import { NatsServerError } from "./nats-server-error.ts";
import { isAsNoted, noteHash } from "./noted-hash.ts";
import { isExecutable, onPath } from "./on-path.ts";
import type { FoundNatsServer, Missed, Search } from "./search.ts";
import { versionOf } from "./version-of.ts";

/** Whoever names a binary wants that one: if it will not do, we say so and look no further. */
export async function fromSetting({ env, floor }: Search): Promise<FoundNatsServer | Missed> {
  const { NATS_SERVER_BIN: bin } = env;
  if (!bin) return { missed: "it is not set" };
  const remedy = `Set it to a nats-server ${floor} or newer, or unset it to have one found for you.`;
  const version = await versionOf(bin).catch((cause: Error) => {
    const message = `NATS_SERVER_BIN: ${cause.message}. ${remedy}`;
    throw new NatsServerError(message, { problem: "not-a-nats-server", cause });
  });
  if (isAtLeast(version, floor)) return { bin, version, how: "NATS_SERVER_BIN" };
  const message = `NATS_SERVER_BIN: ${bin} is nats-server ${version}, which is too old. ${remedy}`;
  throw new NatsServerError(message, { problem: "too-old" });
}

export async function fromPath(search: Search): Promise<FoundNatsServer | Missed> {
  for (const bin of await onPath(search.env, "nats-server")) {
    const version = await versionIfItWillDo(bin, search);
    if (version) return { bin, version, how: "PATH" };
  }
  return { missed: `there is none from ${search.floor} on` };
}

/** It is run only if it is the file that was kept. */
export async function fromCache(search: Search): Promise<FoundNatsServer | Missed> {
  const bin = cachedBin(search.cacheDir, search.version);
  const missed = { missed: `there is none at ${bin}` };
  if (!(await isExecutable(bin))) return missed;
  const isNoted = await isAsNoted(bin);
  const version = await versionIfItWillDo(bin, search);
  if (!version) return missed;
  if (!isNoted) await noteFirstUse(bin, search);
  return { bin, version, how: "cache" };
}

/** One that was kept before hashes were noted, or put there by hand. Where nothing can be written, it serves all the same. */
async function noteFirstUse(bin: string, { onProgress }: Search): Promise<void> {
  try {
    await noteHash(bin);
    onProgress(`noted the SHA-256 of ${bin}: from now on it is used only as it is now`);
  } catch (error) {
    onProgress(
      `${bin} is used unchecked, for its SHA-256 can't be noted: ${(error as Error).message}`,
    );
  }
}

async function versionIfItWillDo(bin: string, search: Search): Promise<string | undefined> {
  try {
    const version = await versionOf(bin);
    if (isAtLeast(version, search.floor)) return version;
    search.onProgress(`skipping ${bin}: it is ${version}, and ${search.floor} is needed`);
  } catch (error) {
    search.onProgress(`skipping ${(error as Error).message}`);
  }
  return undefined;
}
