import { gzipSync } from "node:zlib";
import { Client, credentials, type Metadata } from "@grpc/grpc-js";
import { codeName } from "#lib/rpc/code-name.ts";
import { enveloped } from "./raw-http.ts";

/** How a call ended. */
export interface Ending {
  /** As gRPC spells it, e.g. `INVALID_ARGUMENT`. */
  readonly code: string;
  readonly message: string;
}

export interface GrpcEnding extends Ending {
  /** Bytes of what came after the answer. */
  readonly trailerBytes: number;
}

interface Doors {
  readonly address: string;
  readonly url: string;
}

const asIs = (bytes: Buffer) => bytes;

/** Sends bytes as the message of a gRPC call, whatever they are. */
export function callByGrpc(
  { address }: Pick<Doors, "address">,
  path: string,
  message: Buffer,
): Promise<GrpcEnding> {
  const client = new Client(address, credentials.createInsecure());
  return new Promise((resolve) => {
    const answers = client.makeServerStreamRequest(`/${path}`, asIs, asIs, message);
    answers.on("error", () => {});
    answers.on("status", ({ code, details, metadata }) => {
      client.close();
      const trailerBytes = bytesOf(metadata) + encodeURIComponent(details).length;
      resolve({ code: code === 0 ? "OK" : codeName(Number(code)), message: details, trailerBytes });
    });
    answers.resume();
  });
}

function bytesOf(metadata: Metadata): number {
  return Object.entries(metadata.toHttp2Headers()).join("").length;
}

interface Form {
  /** `application/proto`, `application/json`, `application/connect+proto` … */
  readonly type: string;
  readonly gzip?: boolean;
}

/** The same by Connect. */
export async function callByConnect(
  { url }: Pick<Doors, "url">,
  path: string,
  message: Buffer,
  { type, gzip = false }: Form,
): Promise<Ending> {
  const isStream = type.includes("connect+");
  const bytes = gzip ? gzipSync(message) : message;
  const encoding = { [isStream ? "connect-content-encoding" : "content-encoding"]: "gzip" };
  const response = await fetch(`${url}/${path}`, {
    method: "POST",
    headers: { "content-type": type, ...(gzip && encoding) },
    body: Uint8Array.from(isStream ? enveloped(bytes, Number(gzip)) : bytes),
  });
  const answer = await response.text();
  return response.ok && !isStream ? { code: "OK", message: "" } : endingOf(answer, isStream);
}

/** A stream ends with an envelope that tells its error. */
function endingOf(body: string, isStream: boolean): Ending {
  const json = isStream ? body.slice(body.lastIndexOf('{"error":') + '{"error":'.length, -1) : body;
  const { code = "ok", message = "" } = JSON.parse(json);
  return { code: String(code).toUpperCase(), message: String(message) };
}
