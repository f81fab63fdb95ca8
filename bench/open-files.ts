import { readFile } from "node:fs/promises";
import { BenchError } from "./bench-error.ts";

/** What a process opens besides its connections. */
const OTHER_FILES = 200;

/** Over Connect each watch is a connection: an open file of the client, and one of the gateway. */
export function requireOpenFiles(watches: number, limit: number): void {
  const needed = watches + OTHER_FILES;
  if (needed <= limit) return;
  throw new BenchError(
    `${watches} watches take ${needed} open files in a process, and ${limit} are allowed: raise that (ulimit -Hn), or ask for fewer (--watches)`,
  );
}

/** How many files a process of ours may open: Node takes all that the system lets it have. */
export async function openFilesLimit(): Promise<number> {
  return parseOpenFilesLimit(await readFile("/proc/self/limits", "utf8"));
}

export function parseOpenFilesLimit(text: string): number {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(text) ?? [];
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}
