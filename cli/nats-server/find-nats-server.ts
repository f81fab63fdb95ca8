import pinned from "../../deploy/nats-server.json" with { type: "json" };
import { cacheDirOf } from "./cache.ts";
import { everyWay } from "./every-way.ts";
import { fromGo, fromRelease } from "./fetched.ts";
import { fromCache, fromPath, fromSetting } from "./found-here.ts";
import { NatsServerError } from "./nats-server-error.ts";
import { archiveUrlOf, RELEASES } from "./release.ts";
import type { FindNatsServerOptions, FoundNatsServer, Search } from "./search.ts";

/**
 * Finds a nats-server that is new enough, or fetches one; the first way that works
 * is taken. Whoever has NATS_SERVERS set has a server, and does not call this.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<FoundNatsServer> {
  const search: Search = {
    ...options,
    ...pinned,
    archives: options.archives ?? pinned.archives,
    cacheDir: options.cacheDir ?? cacheDirOf(options.env),
    archiveUrl: archiveUrlOf(options.releaseBase ?? RELEASES, pinned.version, process),
  };
  const setting = await fromSetting(search);
  if ("bin" in setting) return setting;
  const path = await fromPath(search);
  if ("bin" in path) return path;
  const cache = await fromCache(search);
  if ("bin" in cache) return cache;
  const release = await fromRelease(search);
  if ("bin" in release) return release;
  const go = await fromGo(search);
  if ("bin" in go) return go;
  const ways = { setting, path, cache, release, go };
  throw new NatsServerError(everyWay(search, ways), { problem: "not-found" });
}
