import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { LocalServer } from "./local-server.ts";
import { run } from "./run-handler.ts";

const CANCELED = new Error("canceled by its owner");

test("an attempt that is stopped in the middle of a page closes its connection", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await LocalServer.start((request, response) => {
    request.socket.on("close", () => closed.resolve());
    response.writeHead(200, { "content-type": "text/html" }).write("<p>the first half of a page");
  });
  const { attempt, output } = run({
    url: server.url("/"),
    settings: { fetchAllowHosts: [server.host] },
    onReport: ({ note }) => {
      if (note?.endsWith("KB")) attempt.cancel(CANCELED);
    },
  });
  await expect(output).rejects.toBe(CANCELED);
  await closed.promise;
});

test("an attempt that is stopped before the server answers closes its connection", async () => {
  const closed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using server = await LocalServer.start((request) => {
    request.socket.on("close", () => closed.resolve());
    asked.resolve();
  });
  const settings = { fetchAllowHosts: [server.host] };
  const { attempt, output } = run({ url: server.url("/"), settings });
  await asked.promise;
  attempt.cancel(CANCELED);
  await expect(output).rejects.toBe(CANCELED);
  await closed.promise;
});

test("an attempt that is stopped while it extracts ends at once", async () => {
  // Each closing tag is looked for in the whole stack of open ones: minutes of work for the parser.
  const body = `${"<b>".repeat(200_000)}${"</i>".repeat(200_000)}`;
  await using server = await LocalServer.start((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end(body);
  });
  const { attempt, output } = run({
    url: server.url("/"),
    settings: { fetchAllowHosts: [server.host] },
    onReport: ({ note }) => {
      if (note?.startsWith("extracting")) setImmediate(() => attempt.cancel(CANCELED));
    },
  });
  await expect(output).rejects.toBe(CANCELED);
});

test("an attempt that is stopped while it connects closes its connection", async () => {
  // It takes the connection, and never says a word of TLS.
  await using silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const connection = once(silent, "connection") as Promise<[Socket]>;
  const settings = { fetchAllowHosts: [`127.0.0.1:${port}`] };
  const { attempt, output } = run({ url: `https://127.0.0.1:${port}/`, settings });
  const [socket] = await connection;
  const closed = once(socket.resume(), "close");
  attempt.cancel(CANCELED);
  await expect(output).rejects.toBe(CANCELED);
  await closed;
});
