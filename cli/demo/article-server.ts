import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { httpServer } from "#lib/process/http-server.ts";

const ARTICLE = new URL("./article.html", import.meta.url);
const HOST = "127.0.0.1";

export interface ArticleServer extends AsyncDisposable {
  readonly url: string;
  /** `host:port`, the way the worker's allow-list wants it. */
  readonly address: string;
}

/** Serves the demo's own page over HTTP, so that the demo needs no internet. */
export async function serveArticle(): Promise<ArticleServer> {
  const article = await readFile(ARTICLE);
  const server = httpServer({}, (_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(article);
  });
  server.listen(0, HOST);
  await once(server, "listening");
  // That it can't accept a connection, for want of file handles, is no reason to end.
  server.on("error", () => {});
  const { port } = server.address() as AddressInfo;
  const address = `${HOST}:${port}`;
  return {
    url: `http://${address}/mill-race`,
    address,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
