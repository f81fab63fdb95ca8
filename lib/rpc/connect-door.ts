import type { Endpoint } from "#lib/process/health-endpoints.ts";
import { failAnswer, httpServer } from "#lib/process/http-server.ts";
import { connectHandler } from "./connect-handler.ts";
import { misaddressed, notFound } from "./connect-refusals.ts";
import { corsAnswerer } from "./cors.ts";
import type { Door, DoorOptions } from "./door.ts";
import { hostGuard } from "./host-guard.ts";
import { callChain } from "./interceptors.ts";
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
  const chain = callChain(options, leaving);
  const { observed } = chain;
  const answers = new LastAnswers();
  const answerers: Endpoint[] = [
    (request) => streams.endIfBehind(request),
    hostGuard({ allowedHosts, host, onLoopback: () => listening.onLoopback, observed }),
    corsAnswerer(options.corsOrigins),
    ...(options.endpoints ?? []),
    // Behind the endpoints, for there are load balancers that look at health without a Host.
    misaddressed(observed),
    originGuard(options.corsOrigins, observed),
    connectHandler({ services, chain, streams, log }),
    notFound(observed),
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
