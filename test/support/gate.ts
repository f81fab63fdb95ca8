import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Holds scripted tasks in the middle of their attempt until the test lets them through. */
export interface Gate extends AsyncDisposable {
  readonly url: string;
  /** Resolves when one more attempt has come to the gate. */
  arrived(): Promise<void>;
  /** Lets all through that wait now, or the next one. */
  open(): void;
}

export async function openGate(): Promise<Gate> {
  const waiting: ServerResponse[] = [];
  let arrivals = 0;
  let seen = 0;
  let passes = 0;
  let announce = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    arrivals += 1;
    if (passes > 0) {
      passes -= 1;
      response.end("go");
    } else waiting.push(response);
    announce.resolve();
    announce = Promise.withResolvers();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async arrived() {
      const next = announce.promise;
      if (arrivals === seen) await next;
      seen += 1;
    },
    open() {
      const now = waiting.splice(0).filter((response) => !response.destroyed);
      if (now.length === 0) passes += 1;
      for (const response of now) response.end("go");
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
