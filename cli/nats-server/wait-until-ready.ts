import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { bareAddress } from "#lib/process/host-name.ts";

/** Where a server that has just started listens. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  readonly monitorUrl: string | undefined;
}

const POLL_MS = 10;

/** Resolves once the server accepts connections and says that JetStream runs. */
export async function waitUntilReady(portsFile: string, signal: AbortSignal): Promise<Listening> {
  const ports = await readPorts(portsFile, signal);
  const { hostname, port } = new URL(ports.nats);
  const info = await firstLine(bareAddress(hostname), Number(port), signal);
  if (!info.startsWith("INFO ") || !JSON.parse(info.slice("INFO ".length)).jetstream) {
    throw new Error(`the server on ${ports.nats} runs without JetStream`);
  }
  return { url: ports.nats, port: Number(port), monitorUrl: ports.monitoring };
}

/** nats-server names the file by its own name and pid. */
export function portsFileOf(dir: string, bin: string, pid: number): string {
  return join(dir, `${basename(bin)}_${pid}.ports`);
}

/** The file is there before its content is, so a half-written one is read again. */
async function readPorts(
  file: string,
  signal: AbortSignal,
): Promise<{ nats: string; monitoring: string | undefined }> {
  for (;;) {
    try {
      const { nats, monitoring } = JSON.parse(await readFile(file, "utf8"));
      return { nats: nats[0], monitoring: monitoring?.[0] };
    } catch {
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

async function firstLine(host: string, port: number, signal: AbortSignal): Promise<string> {
  const socket = connect({ host, port, signal });
  const hungUp = once(socket, "close").then(() => {
    throw new Error(`${host}:${port} hung up without a word`);
  });
  try {
    const [line] = await Promise.race([once(createInterface(socket), "line"), hungUp]);
    return line;
  } finally {
    socket.destroy();
  }
}
