import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, realpath, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeFolders } from "#lib/process/make-folders.mjs";
import { errorMessage } from "#lib/task/error-message.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { closeToOthers } from "./private.ts";

const SOCKET = "up.sock";

/** All that an `up` keeps in its folder. */
const OURS = [SOCKET, "logs", "nats"];

/** Systems differ; the shortest limit is macOS's. */
const LONGEST_SOCKET_PATH_BYTES = 103;

/** A folder that is ours until disposed. */
export interface DataDir extends AsyncDisposable {
  readonly path: string;
}

/** Makes the folder ours: two nats-servers in one store would destroy it. */
export async function lockDataDir(folder: string): Promise<DataDir> {
  return (await tryLock(folder)) ?? Promise.reject(alreadyRuns(folder));
}

/** The folder, or, while a Millrace runs with the data in it, the first of folder-2, folder-3 … without one. */
export async function lockNextDataDir(folder: string): Promise<DataDir> {
  return (await tryLock(folder)) ?? lockNumbered(folder, 2);
}

async function lockNumbered(folder: string, number: number): Promise<DataDir> {
  return (await tryLock(`${folder}-${number}`)) ?? lockNumbered(folder, number + 1);
}

/** The lock is a socket that we listen on, for a file would outlive us. Undefined: somebody else listens. */
async function tryLock(folder: string): Promise<DataDir | undefined> {
  const real = await makeFolder(folder);
  const path = socketOf(real);
  // biome-ignore lint/plugin: no connection lives long enough to break
  const server = createServer((socket) => socket.destroy());
  if (!(await listens(server, path))) {
    if (await answers(path)) return undefined;
    await unlink(path).catch(() => {});
    if (!(await listens(server, path))) return undefined;
  }
  await closeOurs(real);
  return { path: folder, [Symbol.asyncDispose]: () => closed(server) };
}

/** In the folder, or, where that makes the path too long, in the system's own for such things. */
function socketOf(folder: string): string {
  const path = join(folder, SOCKET);
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH_BYTES) return path;
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  return join(tmpdir(), `millrace-${hash}.sock`);
}

async function makeFolder(folder: string): Promise<string> {
  try {
    makeFolders(folder);
    return await realpath(folder);
  } catch (error) {
    const reason = errorMessage(error);
    const text = `can't keep data in ${folder} (${reason}); --data-dir chooses another folder`;
    throw new CliError(text, { exitCode: ExitCode.FAILED, cause: error });
  }
}

/** Closes what an older release has made. A folder that holds other things too is not ours to close. */
async function closeOurs(folder: string): Promise<void> {
  const names = await readdir(folder);
  const ours = names.filter((name) => OURS.includes(name));
  if (ours.length === names.length) return closeToOthers(folder);
  await Promise.all(ours.map((name) => closeToOthers(join(folder, name))));
}

function alreadyRuns(folder: string): CliError {
  const text =
    `a Millrace runs already with the data in ${resolve(folder)}; stop it, ` +
    "or run a second one beside it with --ports auto";
  return new CliError(text, { exitCode: ExitCode.FAILED });
}

async function listens(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path);
    await once(server, "listening");
    // That it can't accept a connection, for want of file handles, is no reason to end.
    server.on("error", () => {});
    return true;
  } catch {
    return false;
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
