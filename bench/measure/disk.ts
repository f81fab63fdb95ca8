import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

const BLOCK_BYTES = 512;

/** What the files in a folder take on the disk, in bytes. */
export async function diskBytesOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(({ parentPath, name }) => bytesOrNone(join(parentPath, name))),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** A store removes files while we look. */
async function bytesOrNone(file: string): Promise<number> {
  try {
    return (await lstat(file)).blocks * BLOCK_BYTES;
  } catch {
    return 0;
  }
}
