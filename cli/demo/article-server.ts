import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

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
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(article);
  });
  server.listen(0, HOST);
  await once(server, "listening");
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
