import type { EventEmitter } from "node:events";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Client, credentials } from "@grpc/grpc-js";
import { codeName } from "#lib/rpc/code-name.ts";
import { enveloped } from "#test/support/raw-http.ts";

/** A service that is called, by the addresses of its doors. */
export interface Target extends Disposable {
  readonly url: string;
  readonly grpcUrl: string;
  readonly grpc: Client;
}

export function targetOf(url: string, grpcAddress: string): Target {
  const grpc = new Client(grpcAddress, credentials.createInsecure());
  return { url, grpcUrl: `http://${grpcAddress}`, grpc, [Symbol.dispose]: () => grpc.close() };
}

/** Sends the bytes as the request of a method; tells how the call ended, OK if it did not end soon. */
export type Face = (target: Target, method: DescMethod, bytes: Buffer) => Promise<string>;

/** How long a stream is read before its caller loses interest. */
const READ_MS = 100;
/** All headers together may have 16 KiB. */
const MAX_QUERY_CHARS = 15_000;
const HTTP_VERSION_NOT_SUPPORTED = 505;
/** An answer that takes longer does not come. */
const ANSWER_MS = 10_000;

function isStream({ methodKind }: DescMethod): boolean {
  return methodKind !== "unary";
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

const raw = (bytes: Buffer) => bytes;

export const grpc: Face = (target, method, bytes) => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const deadline = { deadline: Date.now() + ANSWER_MS };
  const open = () => {
    if (!isStream(method))
      return target.grpc.makeUnaryRequest(pathOf(method), raw, raw, bytes, deadline, () => {});
    return target.grpc.makeServerStreamRequest(pathOf(method), raw, raw, bytes, deadline).resume();
  };
  const call: EventEmitter & { cancel(): void } = open();
  const enough = isStream(method) ? setTimeout(() => resolve("OK"), READ_MS) : undefined;
  call.on("error", () => {});
  call.on("status", ({ code }) => resolve(grpcCode(code)));
  return promise.finally(() => {
    clearTimeout(enough);
    call.cancel();
  });
};

/** The code that ends a stream or an answer of the Connect protocol; OK where there is none. */
function connectCode(json: string): string {
  const { code, error } = JSON.parse(json) as { code?: string; error?: { code?: string } };
  return (code ?? error?.code ?? "OK").toUpperCase();
}

interface Post {
  readonly url: string;
  readonly type: string;
  readonly body: Buffer;
}

/** A kept connection may be ended at any time; what broke with one is asked once more (RFC 9112, section 9.5). */
export async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    return fetch(url, init);
  }
}

interface Whole {
  readonly header: Headers;
  readonly body: Buffer;
}

/** What an answer brought if it ended soon; undefined if it goes on. */
async function readWhole({ url, type, body }: Post): Promise<Whole | undefined> {
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), READ_MS);
  try {
    const headers = { "content-type": type };
    const answer = await ask(url, {
      method: "POST",
      headers,
      body: new Uint8Array(body),
      signal: enough.signal,
    });
    // Some kinds of streams need HTTP/2.
    if (answer.status === HTTP_VERSION_NOT_SUPPORTED) return undefined;
    if (!answer.ok) throw new Error(`answered with HTTP status ${answer.status}`);
    return { header: answer.headers, body: Buffer.from(await answer.arrayBuffer()) };
  } catch (error) {
    if (enough.signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The payload of the last envelope. */
function lastEnvelope(stream: Buffer): Buffer {
  let rest = stream;
  for (;;) {
    const end = 5 + rest.readUInt32BE(1);
    if (end >= rest.length) return rest.subarray(5, end);
    rest = rest.subarray(end);
  }
}

async function connectUnary(url: string, init: RequestInit): Promise<string> {
  const answer = await ask(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
  const text = await answer.text();
  return answer.ok ? "OK" : connectCode(text);
}

/** Connect by POST, in one of its two formats. */
export function connect(format: "proto" | "json"): Face {
  return async ({ url: base }, method, bytes) => {
    const url = base + pathOf(method);
    if (isStream(method)) {
      const type = `application/connect+${format}`;
      const read = await readWhole({ url, type, body: enveloped(bytes) });
      return read ? connectCode(lastEnvelope(read.body).toString()) : "OK";
    }
    const headers = { "content-type": `application/${format}` };
    return connectUnary(url, { method: "POST", headers, body: new Uint8Array(bytes) });
  };
}

/** Connect by GET, for methods that have no side effects; the others are refused. */
export function connectGet(format: "proto" | "json"): Face {
  return (target, method, bytes) => {
    const message = bytes.toString("base64url");
    const query = `?connect=v1&base64=1&encoding=${format}&message=${message}`;
    // Node ends the connection under a caller who sends more.
    if (query.length > MAX_QUERY_CHARS) return Promise.resolve("REFUSED");
    return connectUnary(target.url + pathOf(method) + query, {}).catch((error) => {
      // Refused for its method or its length, not in the form of a Connect error.
      if (error instanceof SyntaxError) return "REFUSED";
      throw error;
    });
  };
}

export const grpcWeb: Face = async ({ url }, method, bytes) => {
  const type = "application/grpc-web+proto";
  const read = await readWhole({ url: url + pathOf(method), type, body: enveloped(bytes) });
  if (!read) return "OK";
  const status = read.header.get("grpc-status");
  if (status !== null) return grpcCode(status);
  const [, code] = /grpc-status: ?(\d+)/i.exec(lastEnvelope(read.body).toString()) ?? [];
  return grpcCode(code);
};

/** UNKNOWN where no status is given. */
function grpcCode(status: string | number | undefined): string {
  return status !== undefined && Number(status) === 0
    ? "OK"
    : codeName(Number(status ?? Code.Unknown));
}
