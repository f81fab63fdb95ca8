import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readiness } from "./readiness.ts";

/** Answers an HTTP request, or says that it is not for it. */
export type Endpoint = (request: IncomingMessage, response: ServerResponse) => boolean;

function answer(response: ServerResponse, status: number, body: object): true {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
  return true;
}

/**
 * /livez: the process answers, so leave it alone. /readyz: 200 when it can do its work now, else 503 with the reason
 * of each part that can't.
 */
export function healthEndpoints(readiness: Readiness): Endpoint {
  return (request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/livez") return answer(response, 200, { live: true });
    if (path !== "/readyz") return false;
    const { ready, reasons } = readiness;
    return answer(response, ready ? 200 : 503, { ready, reasons });
  };
}
