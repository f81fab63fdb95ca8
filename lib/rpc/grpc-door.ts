import { constants, type Http2Server, type Http2Session } from "node:http2";
import { createServer, type Socket } from "node:net";
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import type { Log } from "#lib/process/log.ts";
import { CallQueue } from "./call-queue.ts";
import { type Door, type DoorOptions, MAX_MESSAGE_BYTES } from "./door.ts";
import { endCallsBeforeDestroy } from "./end-silent-session.ts";
import { GrpcArrivals } from "./grpc-arrivals.ts";
import { http2ServerOf, interceptCalls, setSessionOptions } from "./grpc-internals.ts";
import { GrpcMount } from "./grpc-mount.ts";
import { callChain } from "./interceptors.ts";
import { leaveWithin } from "./leave-within.ts";
import { Leaving } from "./leaving.ts";
import { listen } from "./listen.ts";

const SERVER_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // Enough for a backend that watches for its many users through one connection. Clients wait when they reach it.
  "grpc.max_concurrent_streams": 6_000,
  "grpc.enable_channelz": 0,
};

/** A caller that froze or lost its network is found within 30 s, and its calls end. */
const PINGS = { everyMs: 20_000, answeredWithinMs: 10_000 };

/**
 * Node counts every canceled call against rapid resets (CVE-2023-44487), and allows 1,000 at once and 33 a second. A
 * backend cancels more watches than that when its users leave, so CallQueue counts those that were not answered.
 */
const ALL_CANCELS = { streamResetBurst: 10_000, streamResetRate: 1_000 };

/** How long a connection that is ended gets to read why. */
const FAREWELL_MS = 250;

// It prints to the console, and what callers sent with it: each header whose value is not ASCII.
setLogVerbosity(logVerbosity.NONE);

/** Opens a port that speaks gRPC, without TLS. */
export async function openGrpcDoor(options: DoorOptions, pings = PINGS): Promise<Door> {
  const leaving = new Leaving();
  const chain = callChain(options, leaving);
  const mount = new GrpcMount(options.services, chain);
  const arrivals = new GrpcArrivals(mount.paths, chain.observed);
  const server = new Server({
    ...SERVER_OPTIONS,
    "grpc.keepalive_time_ms": pings.everyMs,
    "grpc.keepalive_timeout_ms": pings.answeredWithinMs,
    interceptors: [mount.interceptor(arrivals)],
  });
  setSessionOptions(server, ALL_CANCELS);
  mount.register(server);
  const sockets = new Set<Socket>();
  // We accept, grpc-js serves: its own bindAsync prints to the console and hides the system's error code.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const http2Server = http2ServerOf(server);
  arrivals.guard(http2Server);
  const onConnection = queueCalls(http2Server, options.log);
  // biome-ignore lint/plugin: each connection has its listener below
  const listener = createServer({ noDelay: true }, (socket) => {
    // grpc-js listens only from when it takes the connection to when it lets go of it.
    socket.on("error", () => {});
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    onConnection(socket);
    injector.injectConnection(socket);
  });
  const { address, port } = await listen(listener, options);

  const stop = () =>
    leaveWithin(options.leaveGraceMs, leaving, {
      close() {
        // Sends GOAWAY. Its callback would come too early: before the calls that run have ended.
        server.tryShutdown(() => {});
        return new Promise((resolve) => listener.close(() => resolve()));
      },
      destroy: () => sockets.forEach((socket) => void socket.destroy()),
    });
  let left: Promise<void> | undefined;
  const leave = () => (left ??= stop());
  return { url: `http://${address}`, address, port, leave, [Symbol.asyncDispose]: leave };
}

/** Puts a queue before the calls of each connection. What it returns is to be called before one is injected. */
function queueCalls(server: Http2Server, log: Log): (socket: Socket) => void {
  const queues = new WeakMap<Http2Session, CallQueue>();
  interceptCalls(server, (stream, _headers, serve) => {
    const queue = stream.session && queues.get(stream.session);
    queue?.add(stream, serve);
  });
  return (socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    // Emitted while it is injected.
    server.once("session", (session) => {
      const end = (reason: string) => {
        log.warn({ peer, reason }, "connection ended");
        session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM);
        setTimeout(() => socket.destroy(), FAREWELL_MS);
      };
      const queue = new CallQueue({ session, end });
      queues.set(session, queue);
      const calls = () => queue.calls;
      endCallsBeforeDestroy({ session, socket, calls, farewellMs: FAREWELL_MS });
    });
  };
}
