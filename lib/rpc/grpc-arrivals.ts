import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import { parseTimeout } from "@connectrpc/connect/protocol-grpc";
import { quoted } from "#lib/process/escaped.ts";
import { type ObservedCalls, UNSERVED } from "./around-calls.ts";
import { BodyRoom } from "./body-room.ts";
import { peerOf } from "./caller.ts";
import { callersFault } from "./callers-fault.ts";
import { Frames } from "./frames.ts";
import { interceptCalls } from "./grpc-internals.ts";

/** What grpc-js does not see, or sees wrongly, of a call that comes in. */
export interface Arrival {
  readonly frames: Frames;
  /** Whether its caller has given up: grpc-js takes that for the end of the request, at first. */
  readonly isReset: () => boolean;
  /** Aborted with what to tell the caller when there is no room for the rest of the request. */
  readonly room: AbortSignal;
  readonly timeoutMs?: number;
  readonly fault?: ConnectError;
}

const CONTENT_TYPE = /^application\/grpc(\+proto)?\s*(;|$)/i;

/** Those that grpc-js can read. */
const ENCODINGS: ReadonlySet<string> = new Set(["identity", "gzip", "deflate"]);

/**
 * Stands before grpc-js at the door. What is no gRPC call is refused here, for grpc-js serves it or sends it away without
 * a word in the log. Of the others it keeps the deadline, for which grpc-js counts in 32 bits, and looks at the frames.
 */
export class GrpcArrivals {
  readonly #paths: ReadonlySet<string>;
  readonly #observed: ObservedCalls;
  readonly #room = new BodyRoom();
  #newest: Arrival | undefined;

  constructor(paths: Iterable<string>, observed: ObservedCalls) {
    this.#paths = new Set(paths);
    this.#observed = observed;
  }

  /** To be called once the server has its injector, and before it has a connection. */
  guard(server: Http2Server): void {
    interceptCalls(server, (stream, headers, serve) => {
      if (this.#refuse(stream, headers)) return;
      this.#newest = arrivalOf(stream, headers, this.#room);
      serve();
      this.#newest = undefined;
    });
  }

  /** The call that grpc-js begins to serve. It asks its interceptors while it hears of the stream. */
  get newest(): Arrival {
    if (this.#newest === undefined) throw new Error("this release of grpc-js begins calls later");
    return this.#newest;
  }

  #refuse(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const path = headers[":path"] ?? "";
    const isServed = this.#paths.has(path);
    const refusal = httpRefusal(headers) ?? (isServed ? undefined : unimplemented(path));
    if (refusal === undefined) return false;
    const [answer, error] = refusal;
    stream.on("error", () => {});
    if (!stream.closed && !stream.destroyed) stream.respond(answer, { endStream: true });
    // Else the caller would wait to send the rest of its request.
    stream.resume();
    const method = isServed ? path.slice(1) : UNSERVED;
    this.#observed.tellRefused({ method, peer: peerOf(stream.session?.socket) }, error);
    return true;
  }
}

type Refusal = readonly [answer: Record<string, string | number>, error: ConnectError];

/** Clients make UNKNOWN of these two. */
function httpRefusal(headers: IncomingHttpHeaders): Refusal | undefined {
  if (headers[":method"] !== "POST") {
    const text = `the HTTP method is ${quoted(headers[":method"] ?? "")}; gRPC's is POST`;
    return [{ ":status": 405, allow: "POST" }, callersFault(text, Code.Unknown)];
  }
  const type = headers["content-type"];
  if (CONTENT_TYPE.test(type ?? "")) return undefined;
  const text = `the content type is ${quoted(type ?? "")}; it must be application/grpc or application/grpc+proto`;
  return [
    { ":status": 415, "accept-post": "application/grpc, application/grpc+proto" },
    callersFault(text, Code.Unknown),
  ];
}

function unimplemented(path: string): Refusal {
  const text = `nothing is served at ${quoted(path)}`;
  const answer = {
    ":status": 200,
    "content-type": "application/grpc+proto",
    "grpc-status": Code.Unimplemented,
    "grpc-message": encodeURI(text),
  };
  return [answer, callersFault(text, Code.Unimplemented)];
}

function arrivalOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  room: BodyRoom,
): Arrival {
  const { timeoutMs, error } = parseTimeout(takeTimeout(headers), Number.MAX_SAFE_INTEGER);
  const encoding = String(headers["grpc-encoding"] ?? "identity");
  const fault = error ?? (ENCODINGS.has(encoding) ? undefined : unknownEncoding(encoding));
  const frames = new Frames(encoding !== "identity");
  // The first to listen: what grpc-js makes of the bytes comes later.
  stream.on("data", (bytes: Buffer) => frames.add(bytes));
  return {
    frames,
    room: roomFor(stream, room),
    isReset: () => stream.rstCode !== constants.NGHTTP2_NO_ERROR,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(fault !== undefined && { fault }),
  };
}

/** Once it is answered, nothing more is read of a request for which there was no room. */
function roomFor(stream: ServerHttp2Stream, door: BodyRoom): AbortSignal {
  const room = door.forRequest();
  const noRoom = new AbortController();
  stream.on("data", (bytes: Buffer) => {
    const fault = room.add(bytes);
    if (fault === undefined || noRoom.signal.aborted) return;
    stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
    noRoom.abort(fault);
  });
  const whole = () => room[Symbol.dispose]();
  stream.once("end", whole).once("close", whole);
  return noRoom.signal;
}

function unknownEncoding(given: string): ConnectError {
  const text = `the grpc-encoding ${quoted(given)} is not known; it can be ${[...ENCODINGS].join(", ")}`;
  return new ConnectError(text, Code.Unimplemented);
}

/** Out of the sight of grpc-js, which would count it in 32 bits. */
function takeTimeout(headers: IncomingHttpHeaders): string | null {
  const given = headers["grpc-timeout"];
  delete headers["grpc-timeout"];
  return given === undefined ? null : String(given);
}
