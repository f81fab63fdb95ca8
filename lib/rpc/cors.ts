import type { IncomingMessage, ServerResponse } from "node:http";
import { cors } from "@connectrpc/connect";
import { hostNameOf, isLoopbackName } from "#lib/process/host-name.ts";

const WEB_ORIGIN = /^https?:\/\/(.+)$/;
const PREFLIGHT_SECONDS = 7200;

/** Says whether pages of an origin may call. `loopback` = any port of this machine, `*` = everyone. */
export function originFilter(allowed: readonly string[]): (origin: string) => boolean {
  const all = allowed.includes("*");
  const loopback = allowed.includes("loopback");
  return (origin) => all || allowed.includes(origin) || (loopback && isOfThisMachine(origin));
}

function isOfThisMachine(origin: string): boolean {
  const name = hostNameOf(WEB_ORIGIN.exec(origin)?.[1] ?? "");
  return name !== undefined && isLoopbackName(name);
}

/** Lets pages of other origins call. Answers the browser's question before a call, and says that it did. */
export function corsAnswerer(
  allowed: readonly string[],
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const mayCall = originFilter(allowed);
  return (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined) return false;
    response.setHeader("vary", "Origin");
    const preflight =
      request.method === "OPTIONS" && "access-control-request-method" in request.headers;
    if (mayCall(origin)) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-expose-headers", cors.exposedHeaders.join(", "));
      if (preflight) allowCalls(response);
    }
    if (preflight) response.writeHead(204).end();
    return preflight;
  };
}

function allowCalls(response: ServerResponse): void {
  response.setHeader("access-control-allow-methods", cors.allowedMethods.join(", "));
  response.setHeader("access-control-allow-headers", cors.allowedHeaders.join(", "));
  response.setHeader("access-control-max-age", PREFLIGHT_SECONDS);
}
