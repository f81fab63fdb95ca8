import type { IncomingMessage, ServerResponse } from "node:http";
import type { Endpoint } from "#lib/process/health-endpoints.ts";
import { failAnswer, httpServer } from "#lib/process/http-server.ts";
import { connectHandler } from "./connect-handler.ts";
import { corsAnswerer } from "./cors.ts";
import type { Door, DoorOptions } from "./door.ts";
import { hostGuard } from "./host-guard.ts";
import { callInterceptors } from "./interceptors.ts";
import { LastAnswers } from "./last-answers.ts";
import { leaveWithin } from "./leave-within.ts";
import { Leaving } from "./leaving.ts";
import { listen } from "./listen.ts";
import { originGuard } from "./origin-guard.ts";
import { StreamConnections } from "./stream-connections.ts";

interface ConnectDoorOptions extends DoorOptions {
  /** Origins whose pages may call: `https://example.com`, `loopback` for any port of this machine, `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Hosts that requests may name, besides this machine's own names; `*` for all. */
  readonly allowedHosts?: readonly string[];
  /** Asked before any call is served, in this order: health, metrics, pages. */
  readonly endpoints?: readonly Endpoint[];
}

const SERVER_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  // Longer than proxies keep an idle connection, so that it is them who close it, not we under a request.
  keepAliveTimeout: 75_000,
};

/** Idle connections are looked for this often while the door leaves: those that finish late would stay open otherwise. */
const CLOSE_IDLE_MS = 50;

/** Opens an HTTP/1.1 port that speaks Connect and gRPC-Web and serves plain endpoints. */
export async function openConnectDoor(options: ConnectDoorOptions): Promise<Door> {
  const leaving = new Leaving();
  const { services, log, host, allowedHosts = [] } = options;
  const streams = new StreamConnections();
  const interceptors = callInterceptors(options, leaving);
  const answers = new LastAnswers();
  const answerers: Endpoint[] = [
    (request) => streams.endIfBehind(request),
    hostGuard({ allowedHosts, host, onLoopback: () => listening.onLoopback, log }),
    corsAnswerer(options.corsOrigins),
    ...(options.endpoints ?? []),
    originGuard(options.corsOrigins, log),
    connectHandler({ services, interceptors, streams, log }),
    notFound,
  ];
  const server = httpServer(SERVER_OPTIONS, (request, response) => {
    answers.add(response);
    try {
      answerers.some((answer) => answer(request, response));
    } catch (err) {
      log.error({ err, path: request.url }, "an endpoint failed");
      failAnswer(response);
    }
  });
  const listening = await listen(server, options);
  const { address, port } = listening;

  const stop = () =>
    leaveWithin(options.leaveGraceMs, leaving, {
      async close() {
        answers.leave();
        const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_MS);
        await new Promise<void>((resolve) => server.close(() => resolve()));
        clearInterval(idle);
      },
      destroy: () => server.closeAllConnections(),
    });
  let left: Promise<void> | undefined;
  const leave = () => (left ??= stop());
  return { url: `http://${address}`, address, port, leave, [Symbol.asyncDispose]: leave };
}

/** In the form of a Connect error, so that clients of that protocol understand it too. */
function notFound(request: IncomingMessage, response: ServerResponse): true {
  const path = request.url?.split("?")[0];
  response.writeHead(404, { "content-type": "application/json" });
  response.end(JSON.stringify({ code: "unimplemented", message: `nothing is served at ${path}` }));
  return true;
}
