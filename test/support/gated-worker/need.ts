import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What the gated task types need in order to load in a thread, as their LOAD_GATE. Away at first. */
export async function openNeed() {
  let isThere = false;
  const server = createServer((_, response) => response.writeHead(isThere ? 200 : 503).end());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    comesBack() {
      isThere = true;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
