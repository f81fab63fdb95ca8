import { intoCache } from "./cache.ts";
import { Downloader, type OnBytes } from "./download.ts";
import { goInstall } from "./go-install.ts";
import { onPath } from "./on-path.ts";
import { unpackRelease } from "./release.ts";
import type { FoundNatsServer, Missed, Search } from "./search.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const STALL_TIMEOUT_MS = 10_000;
const NEWS_EVERY_MS = 1_000;

export async function fromRelease(search: Search): Promise<FoundNatsServer | Missed> {
  const { archiveUrl, archives, onProgress } = search;
  if (!archiveUrl) return { missed: "there is no archive for this machine that we can unpack" };
  onProgress(`downloading ${archiveUrl}`);
  await using downloader = new Downloader(search.env, {
    connectTimeoutMs: search.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    stallTimeoutMs: search.stallTimeoutMs ?? STALL_TIMEOUT_MS,
    signal: search.signal,
  });
  const onBytes = newsOfBytes(onProgress);
  return await fetched(search, "release", (folder) =>
    unpackRelease({ url: archiveUrl, archives }, folder, downloader, onBytes),
  );
}

export async function fromGo(search: Search): Promise<FoundNatsServer | Missed> {
  const [go] = await onPath(search.env, "go");
  if (!go) return { missed: "there is no go on PATH" };
  search.onProgress(`building nats-server ${search.version} with ${go}: about a minute, once`);
  return await fetched(search, "go", (folder) => goInstall(go, folder, search));
}

/** A way that fails says why in one line, and the next one is tried. */
async function fetched(
  search: Search,
  how: "release" | "go",
  make: (folder: string) => Promise<string>,
): Promise<FoundNatsServer | Missed> {
  const { cacheDir, version, onProgress, signal } = search;
  try {
    const bin = await intoCache(cacheDir, version, make);
    onProgress(`nats-server ${version} is ready, and kept in ${bin}`);
    return { bin, version, how };
  } catch (error) {
    signal?.throwIfAborted();
    const missed = (error as Error).message;
    onProgress(missed);
    return { missed };
  }
}

/** A line a second at most, so that it can go to a log. */
function newsOfBytes(onProgress: (line: string) => void): OnBytes {
  let next = performance.now() + NEWS_EVERY_MS;
  return (received, total) => {
    if (performance.now() < next && received !== total) return;
    next = performance.now() + NEWS_EVERY_MS;
    onProgress(total ? `${inMb(received)} of ${inMb(total)} MB` : `${inMb(received)} MB`);
  };
}

function inMb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
