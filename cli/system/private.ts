import { chmod, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

const OTHERS = 0o077;

/** Marks a folder that users share, such as /tmp. */
const STICKY = 0o1000;

/** Lets nobody else at what this process and its children make from now on, whoever starts it. */
export function makePrivately(): void {
  process.umask(OTHERS);
}

/** Takes from others what they may do with a file of ours, or with a folder and all that is in it. */
export async function closeToOthers(path: string): Promise<void> {
  const stats = await lstat(path);
  const isOurs = stats.uid === process.getuid?.() && (stats.mode & STICKY) === 0;
  // What is in a closed folder can't be reached.
  if (!isOurs || stats.isSymbolicLink() || (stats.mode & OTHERS) === 0) return;
  if (stats.isDirectory()) {
    const names = await readdir(path);
    await Promise.all(names.map((name) => closeToOthers(join(path, name))));
  }
  await chmod(path, stats.mode & ~OTHERS);
}
