import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inject } from "vitest";

const MOUNT = 'mount -t tmpfs -o "size=$1" tmpfs "$0" && echo mounted && read -r _';
const NAMESPACE = ["--user", "--map-root-user", "--mount"];

/**
 * A disk of its own for a nats-server: a small tmpfs, in a mount namespace that ends with us. What is written beyond its
 * size fails with ENOSPC. Undefined where that is not possible: it needs Linux with user namespaces.
 */
export async function openSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-disk-"));
  const mountPoint = join(folder, "disk");
  await mkdir(mountPoint);
  const holder = spawn(
    "unshare",
    [...NAMESPACE, "/bin/sh", "-c", MOUNT, mountPoint, String(bytes)],
    { stdio: ["pipe", "pipe", "ignore"], detached: true },
  );
  const refused = Promise.race([once(holder, "error"), once(holder, "exit")]).then(() => false);
  const mounted = once(createInterface(holder.stdout), "line").then(() => true);
  if (await Promise.race([mounted, refused])) {
    return new SmallDisk(holder, { folder, mountPoint, bin: await binInside(holder, folder) });
  }
  await rm(folder, { recursive: true, force: true });
  return undefined;
}

/** A nats-server that sees the disk; of the same name, by which its files are known. */
async function binInside({ pid }: ChildProcess, folder: string): Promise<string> {
  const bin = join(folder, "nats-server");
  const enter = `nsenter --target ${pid} --user --mount --preserve-credentials`;
  await writeFile(bin, `#!/bin/sh\nexec ${enter} "${inject("natsServerBin")}" "$@"\n`);
  await chmod(bin, 0o755);
  return bin;
}

interface Place {
  readonly folder: string;
  readonly mountPoint: string;
  readonly bin: string;
}

export class SmallDisk implements AsyncDisposable {
  /** The nats-server to run. */
  readonly bin: string;
  /** Where it has its store. */
  readonly storeDir: string;
  readonly #holder: ChildProcess;
  readonly #folder: string;
  readonly #ballast: string;

  constructor(holder: ChildProcess, { folder, mountPoint, bin }: Place) {
    this.bin = bin;
    this.storeDir = join(mountPoint, "store");
    this.#holder = holder;
    this.#folder = folder;
    // As the holder sees it.
    this.#ballast = join(`/proc/${holder.pid}/root`, mountPoint, "ballast");
  }

  /** Takes all the room that is left. A server that removes what it needs no more makes some again. */
  async fill(): Promise<void> {
    const more = ["bs=4096", "oflag=append", "conv=notrunc"];
    const dd = spawn("dd", ["if=/dev/zero", `of=${this.#ballast}`, ...more], { stdio: "ignore" });
    await once(dd, "exit");
  }

  /** Gives back what `fill` took. */
  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.stdin?.end();
    if (this.#holder.exitCode === null) await once(this.#holder, "exit");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
