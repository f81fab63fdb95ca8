import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Downloader, OnBytes } from "./download.ts";
import { untar } from "./untar.ts";

export const RELEASES = "https://github.com/nats-io/nats-server/releases/download";

const SYSTEMS: Readonly<Record<string, string>> = { linux: "linux", darwin: "darwin" };

/** arm6 runs on every later arm, too. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  ia32: "386",
  arm: "arm6",
  ppc64: "ppc64le",
  riscv64: "riscv64",
  s390x: "s390x",
  loong64: "loong64",
};

/** Where the official archive for a machine is; none for Windows, whose .zip we do not unpack. */
export function archiveUrlOf(
  base: string,
  version: string,
  machine: { readonly platform: string; readonly arch: string },
): string | undefined {
  const system = SYSTEMS[machine.platform];
  const architecture = ARCHITECTURES[machine.arch];
  if (!(system && architecture)) return undefined;
  return `${base}/v${version}/nats-server-v${version}-${system}-${architecture}.tar.gz`;
}

export interface Release {
  readonly url: string;
  /** SHA-256 of archives, by their names. */
  readonly archives: Readonly<Record<string, string>>;
}

/** Downloads an archive into a folder, holds it against its checksum, and unpacks the server. */
export async function unpackRelease(
  { url, archives }: Release,
  folder: string,
  downloader: Downloader,
  onBytes: OnBytes,
): Promise<string> {
  const name = url.slice(url.lastIndexOf("/") + 1);
  const pinned = archives[name];
  // The site's own word for it tells damage, but no archive that was replaced there.
  const expected = pinned ?? (await publishedSum(url, name, downloader));
  const archive = join(folder, name);
  const actual = await downloader.toFile(url, archive, onBytes);
  if (actual !== expected) {
    const source = pinned ? "deploy/nats-server.json" : "SHA256SUMS";
    throw new Error(`${url}: its checksum is ${actual}, but ${source} says ${expected}`);
  }
  const bin = join(folder, "nats-server");
  await writeFile(bin, await untar(await readFile(archive), "nats-server"), { mode: 0o755 });
  return bin;
}

async function publishedSum(url: string, name: string, downloader: Downloader): Promise<string> {
  const sums = await downloader.text(new URL("SHA256SUMS", url).href);
  for (const line of sums.split(/\r?\n/)) {
    const [sum, file] = line.split(/ [ *]/);
    if (sum && file === name) return sum;
  }
  throw new Error(`SHA256SUMS beside ${url} does not name it`);
}
