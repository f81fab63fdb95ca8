import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonReadOptions, JsonWriteOptions, Registry } from "@bufbuild/protobuf";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Log } from "#lib/process/log.ts";
import { BodyRoom } from "./body-room.ts";
import { checkQuery } from "./checked-request.ts";
import { answerCall } from "./connect-call.ts";
import { MAX_MESSAGE_BYTES } from "./door.ts";
import type { CallChain } from "./interceptors.ts";
import { jsonDecoder } from "./json-text.ts";
import { leaveOutNoJson } from "./leave-out-no-json.ts";
import { liveRegistry } from "./live-registry.ts";
import type { Services } from "./services.ts";
import type { StreamConnections } from "./stream-connections.ts";

/** Smaller answers cost more CPU to compress than they save. No brotli: its default level is the slowest. */
const COMPRESS_MIN_BYTES = 8192;

/** How long a client may take to send a body that nobody wants. */
const DROP_MS = 2_000;

type HttpHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

interface ConnectHandlerOptions {
  readonly services: Services;
  readonly chain: CallChain;
  readonly streams: StreamConnections;
  readonly log: Log;
}

/** Answers Connect and gRPC-Web calls; connect-node's own adapter prints to the console. */
export function connectHandler(options: ConnectHandlerOptions): HttpHandler {
  const { services, chain, streams, log } = options;
  const registry = liveRegistry(services.registry);
  const json = jsonOptions(registry);
  const router = createConnectRouter({
    grpc: false,
    interceptors: [...chain.all, leaveOutNoJson(registry)],
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
    acceptCompression: [compressionGzip],
    compressMinBytes: COMPRESS_MIN_BYTES,
    jsonOptions: json,
    requestGate: checkQuery,
  });
  services.routes(router);
  const room = new BodyRoom();
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url?.split("?")[0] ?? "");
    if (handler === undefined) return false;
    response.setHeader("cache-control", "no-store");
    if (handler.method.methodKind !== "unary") {
      streams.add(request, response);
      passAtOnce(response);
    }
    response.once("finish", () => dropRest(request));
    answerCall({ handler, chain, room, jsonOptions: json }, request, response).catch((error) =>
      breakOff(request, response, { log, handler, error }),
    );
    return true;
  };
}

/** Asks proxies not to hold a stream back: nginx collects answers, and whoever compresses them collects too. */
function passAtOnce(response: ServerResponse): void {
  response.setHeader("cache-control", "no-store, no-transform");
  response.setHeader("x-accel-buffering", "no");
}

/** Spelled out, for connect takes a decoder of its user's, but does not say so. */
interface JsonOptions extends Partial<JsonReadOptions & JsonWriteOptions> {
  readonly textDecoder: typeof jsonDecoder;
}

function jsonOptions(registry: Registry): JsonOptions {
  // A misspelled field would otherwise be one that silently does nothing.
  const ignoreUnknownFields = false;
  return { registry, ignoreUnknownFields, textDecoder: jsonDecoder };
}

/**
 * Reads what is left of a body that was too large, for it would block the connection's next request. Some clients never
 * send the end of it once they have their answer; their connection is closed.
 */
function dropRest(request: IncomingMessage): void {
  if (request.complete) return;
  // While a reader waits for it, nothing flows.
  request.removeAllListeners("readable").resume();
  // Asked then, and of the parser, for one whose reader has given it up says nothing any more of how far it is.
  const giveUp = () => request.complete || request.socket.destroy();
  setTimeout(giveUp, DROP_MS).unref();
}

interface Broken {
  readonly log: Log;
  readonly handler: UniversalHandler;
  readonly error: unknown;
}

/** Below the level of calls: mostly a caller that hung up while it was answered, which is nothing to wake anyone for. */
function breakOff(
  request: IncomingMessage,
  response: ServerResponse,
  { log, handler: { service, method }, error }: Broken,
): void {
  const level = request.socket.destroyed ? "debug" : "warn";
  log[level]({ method: `${service.typeName}/${method.name}`, err: error }, "call broke off");
  if (!response.headersSent) response.writeHead(400);
  response.end();
}
