import { hash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { NatsServerError } from "./nats-server-error.ts";

/** Beside a binary that we keep: its hash, as `sha256sum --check` reads it. */
function noteOf(bin: string): string {
  return `${bin}.sha256`;
}

/** Notes the hash of a binary, for isAsNoted to hold it against whenever it is used. */
export async function noteHash(bin: string): Promise<void> {
  const note = noteOf(bin);
  // Whoever reads it at the same moment finds all of it, or none.
  const draft = `${note}.${process.pid}`;
  await writeFile(draft, `${await hashOf(bin)}  ${basename(bin)}\n`);
  await rename(draft, note);
}

/** False: nothing was noted of it. Throws if it is another one than was noted, or nobody can tell. */
export async function isAsNoted(bin: string): Promise<boolean> {
  const note = noteOf(bin);
  try {
    const noted = await readIfThere(note);
    if (noted === undefined) return false;
    const actual = await hashOf(bin);
    if (noted.startsWith(`${actual} `)) return true;
    const [said] = noted.trim().split(" ");
    throw new Error(`its SHA-256 is ${actual}, but ${note} says ${said || "nothing"}`);
  } catch (error) {
    throw notAsNoted(bin, error as Error);
  }
}

function notAsNoted(bin: string, cause: Error): NatsServerError {
  const message =
    `${bin} may not be the file that was kept there: ${cause.message}. ` +
    `If you changed it yourself, delete ${noteOf(bin)}; else delete ${dirname(bin)}, and it is fetched anew.`;
  return new NatsServerError(message, { problem: "changed", cause });
}

async function hashOf(file: string): Promise<string> {
  return hash("sha256", await readFile(file));
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
