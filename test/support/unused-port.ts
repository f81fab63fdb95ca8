import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that the kernel hands out: while its server is down, nobody may be given it, nor may a client that
 * tries again connect to itself.
 */
const PORTS = [15_000, 30_000] as const;

/** A port that nobody listens on, for a server that is to have the same one every time it starts. */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
