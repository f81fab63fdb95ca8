import { readFile } from "node:fs/promises";
import type { Endpoint } from "#lib/process/health-endpoints.ts";

const FOLDER = new URL("./web/", import.meta.url);

/** What the page is made of, by path. */
const FILES = [
  { path: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { path: "/app.js", file: "app.js", type: "text/javascript; charset=utf-8" },
  { path: "/columns.js", file: "columns.js", type: "text/javascript; charset=utf-8" },
  { path: "/elements.js", file: "elements.js", type: "text/javascript; charset=utf-8" },
  { path: "/format.js", file: "format.js", type: "text/javascript; charset=utf-8" },
  { path: "/watch.js", file: "watch.js", type: "text/javascript; charset=utf-8" },
  { path: "/style.css", file: "style.css", type: "text/css; charset=utf-8" },
  { path: "/tables.css", file: "tables.css", type: "text/css; charset=utf-8" },
  { path: "/icon.svg", file: "icon.svg", type: "image/svg+xml" },
];

interface Served {
  readonly type: string;
  readonly body: Buffer;
}

const HEADERS = {
  "cache-control": "no-cache",
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Serves the page. Its files are read once, now. */
export async function pageEndpoint(): Promise<Endpoint> {
  const files = new Map<string, Served>();
  for (const { path, file, type } of FILES) {
    files.set(path, { type, body: await readFile(new URL(file, FOLDER)) });
  }
  return (request, response) => {
    const found = files.get(request.url?.split("?")[0] ?? "");
    if (!found || (request.method !== "GET" && request.method !== "HEAD")) return false;
    const { type, body } = found;
    response.writeHead(200, { ...HEADERS, "content-type": type, "content-length": body.length });
    response.end(body);
    return true;
  };
}
