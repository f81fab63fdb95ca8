import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { DoorError } from "#lib/rpc/door-error.ts";
import { joinAddress } from "#lib/rpc/listen.ts";

/**
 * Below the ports that the kernel hands out: a process that is started again must find its port free, and nobody be
 * given it meanwhile.
 */
const RANGE = [15_000, 30_000] as const;

/** False if somebody listens there; throws DoorError if we could not in any case. */
export async function isFree(host: string, port: number, portSetting?: string): Promise<boolean> {
  // biome-ignore lint/plugin: no connection lives long enough to break
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw new DoorError(joinAddress(host, port), { cause: error, portSetting });
  }
  server.close();
  await once(server, "close");
  return true;
}

export async function freePort(host: string): Promise<number> {
  for (;;) {
    const port = randomInt(...RANGE);
    if (await isFree(host, port)) return port;
  }
}
