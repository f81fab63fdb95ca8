import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonWriteOptions } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import {
  createAsyncIterable,
  encodeEnvelope,
  readAllBytes,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import {
  codeFromHttpStatus,
  codeToHttpStatus,
  errorFromJsonBytes,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { findTrailerError, setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { compressionGzip } from "@connectrpc/connect-node";
import { quoted, shown } from "#lib/process/escaped.ts";
import type { Endpoint } from "#lib/process/health-endpoints.ts";
import { type ObservedCalls, UNSERVED } from "./around-calls.ts";
import { peerOf } from "./caller.ts";
import { callersFault } from "./callers-fault.ts";
import { MAX_MESSAGE_BYTES } from "./door.ts";
import { errorInfo } from "./error-details.ts";
import { unreadable } from "./translate-errors.ts";

type Answer = UniversalServerResponse & { readonly header: Headers };

const GRPC_WEB = "application/grpc-web";
const ENVELOPE_BYTES = 5;
const MAX_PATH_CHARS = 200;

/** Whether connect-node says in the answer why it refused the call; else only its HTTP status does. */
export function isExplained(answer: UniversalServerResponse): answer is Answer {
  return answer.header?.has("content-type") ?? false;
}

/** Why connect-node refused the call. It is a mistake of the caller, whatever connect-node takes it for. */
export async function readRefusal(answer: Answer): Promise<ConnectError> {
  const error = await readError(answer).catch(() => undefined);
  if (error === undefined) return unreadable();
  if (error.code !== Code.Internal) return error;
  return unreadable(error.rawMessage === "internal error" ? undefined : error.rawMessage);
}

async function readError({ header, body }: Answer): Promise<ConnectError | undefined> {
  const sent = await readAllBytes(body ?? createAsyncIterable([]), MAX_MESSAGE_BYTES);
  if (isGrpcWeb(header)) return findTrailerError(trailerParse(sent.subarray(ENVELOPE_BYTES)));
  const isCompressed = header.get("content-encoding") === compressionGzip.name;
  const json = isCompressed ? await compressionGzip.decompress(sent, MAX_MESSAGE_BYTES) : sent;
  return errorFromJsonBytes(json, undefined, unreadable());
}

/** The answer with the error in the place of its own. */
export function withError(
  answer: Answer,
  error: ConnectError,
  jsonOptions: Partial<JsonWriteOptions>,
): UniversalServerResponse {
  const header = new Headers(answer.header);
  if (isGrpcWeb(header)) {
    const trailer = trailerSerialize(setTrailerStatus(new Headers(), error));
    return { ...answer, body: createAsyncIterable([encodeEnvelope(trailerFlag, trailer)]) };
  }
  const bytes = errorToJsonBytes(error, jsonOptions);
  header.delete("content-encoding");
  header.set("content-length", String(bytes.length));
  return { status: codeToHttpStatus(error.code), header, body: createAsyncIterable([bytes]) };
}

/** What a caller was told by an HTTP status. */
export function statusFault(
  { status }: UniversalServerResponse,
  { header, method }: UniversalServerRequest,
): ConnectError {
  const type = quoted(header.get("content-type") ?? "");
  const text = `HTTP status ${status} for ${method} with the content type ${type}; a call is a POST of application/json or application/proto; of application/connect+json or application/connect+proto if its method streams; or of gRPC-Web`;
  return callersFault(text, codeFromHttpStatus(status));
}

/** The answer with the fault as its body, for people who call by hand. To clients, the status says all. */
export function withReason(
  answer: UniversalServerResponse,
  fault: ConnectError,
): UniversalServerResponse {
  const header = new Headers(answer.header);
  header.set("content-type", "text/plain");
  header.delete("content-length");
  const body = createAsyncIterable([new TextEncoder().encode(`${fault.rawMessage}\n`)]);
  return { ...answer, header, body };
}

export function isHost(given: string): boolean {
  return URL.canParse(`http://${given}`);
}

/** Refuses a request whose Host names none. */
export function misaddressed(observed: ObservedCalls): Endpoint {
  return (request, response) => {
    const { host } = request.headers;
    if (host !== undefined && isHost(host)) return false;
    const text = `the Host header ${quoted(host ?? "")} is no host, or host:port`;
    const fault = callersFault(text, Code.InvalidArgument);
    return refusePlainly(observed, { request, response, status: 400, fault });
  };
}

/** Answers what nothing is served for. */
export function notFound(observed: ObservedCalls): Endpoint {
  return (request, response) => {
    const path = shown(request.url?.split("?")[0] ?? "", MAX_PATH_CHARS);
    const fault = callersFault(`nothing is served at ${path}`, Code.Unimplemented);
    return refusePlainly(observed, { request, response, status: 404, fault });
  };
}

/** Who calls, or under which name, may not. */
export function forbidden(
  reason: "HOST_NOT_ALLOWED" | "ORIGIN_NOT_ALLOWED",
  message: string,
): ConnectError {
  return new ConnectError(message, Code.PermissionDenied, undefined, [errorInfo(reason)]);
}

interface PlainRefusal {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly status: number;
  readonly fault: ConnectError;
}

/** In the form of a Connect error, so that clients of that protocol understand it too. */
export function refusePlainly(
  observed: ObservedCalls,
  { request, response, status, fault }: PlainRefusal,
): true {
  observed.tellRefused({ method: UNSERVED, peer: peerOf(request.socket) }, fault);
  const isWeb = request.headers["content-type"]?.startsWith(GRPC_WEB) ?? false;
  const contentType = isWeb ? "text/plain" : "application/json";
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
  response.end(isWeb ? fault.rawMessage : errorToJsonBytes(fault, undefined));
  return true;
}

function isGrpcWeb(header: Headers): boolean {
  return header.get("content-type")?.startsWith(GRPC_WEB) ?? false;
}
