import type { IncomingMessage } from "node:http";
import type { DescMessage } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import {
  createAsyncIterable,
  pipe,
  transformDecompressEnvelope,
  transformSplitEnvelope,
} from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { InvalidField } from "#lib/task/errors.ts";
import { MAX_MESSAGE_BYTES } from "./door.ts";
import { ALWAYS_FINE_BYTES, refusalOf } from "./too-many-fields.ts";
import { toConnectError } from "./translate-errors.ts";

const MAX_BODY_BYTES = MAX_MESSAGE_BYTES + 5;

type Body = AsyncIterable<Uint8Array>;

/** The body of a request, read ahead where it may hold too much. JSON is checked when it is read. */
export function checkedBody(input: DescMessage, request: IncomingMessage, body: Body): Body {
  return mayHoldTooMuch(request) ? readAhead(input, request, body) : body;
}

function mayHoldTooMuch({ headers }: IncomingMessage): boolean {
  if (headers["content-type"]?.includes("json")) return false;
  return (
    encodingOf(headers) !== undefined || !(Number(headers["content-length"]) <= ALWAYS_FINE_BYTES)
  );
}

async function* readAhead(
  input: DescMessage,
  request: IncomingMessage,
  body: Body,
): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    // Of no use to read on: it is refused for its size.
    if (size > MAX_BODY_BYTES) break;
  }
  const message = size <= MAX_BODY_BYTES && (await firstMessage(Buffer.concat(chunks), request));
  const refusal = message && refusalOf(input, message);
  if (refusal) throw toConnectError(refusal);
  yield* chunks;
}

/** Undefined for what can't be read, which is told where it is read for good. */
async function firstMessage(
  bytes: Uint8Array,
  { headers }: IncomingMessage,
): Promise<Uint8Array | undefined> {
  const gzip = encodingOf(headers) === "gzip" ? compressionGzip : null;
  try {
    if (headers["content-type"] === "application/proto") {
      return await (gzip?.decompress(bytes, MAX_MESSAGE_BYTES) ?? bytes);
    }
    const split = transformSplitEnvelope(MAX_MESSAGE_BYTES);
    const inflate = transformDecompressEnvelope(gzip, MAX_MESSAGE_BYTES);
    for await (const { data } of pipe(createAsyncIterable([bytes]), split, inflate)) return data;
  } catch {}
  return undefined;
}

function encodingOf(headers: IncomingMessage["headers"]): string | undefined {
  const names = ["content-encoding", "connect-content-encoding", "grpc-encoding"];
  return names.map((name) => headers[name]?.toString()).find((encoding) => encoding !== undefined);
}

/** The same for a message that comes in the query of a GET. */
export async function checkQuery({ requestMethod, url, method }: HandlerContext): Promise<void> {
  if (requestMethod !== "GET") return;
  const { search, searchParams: query } = new URL(url);
  if (!isText(search)) throw toConnectError(new InvalidField("", "the query is not valid UTF-8"));
  if (query.get("encoding") !== "proto" || query.get("compression") !== "gzip") return;
  const bytes = Buffer.from(query.get("message") ?? "", "base64url");
  const message = await compressionGzip.decompress(bytes, MAX_MESSAGE_BYTES).catch(() => undefined);
  const refusal = message && refusalOf(method.input, message);
  if (refusal) throw toConnectError(refusal);
}

/** Else it would be read with U+FFFD in it. */
function isText(query: string): boolean {
  try {
    decodeURIComponent(query);
    return true;
  } catch {
    return false;
  }
}
