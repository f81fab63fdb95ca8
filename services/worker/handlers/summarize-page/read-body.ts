import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions } from "node:zlib";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { sizeInWords } from "./numbers-in-words.ts";

type Decompress = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ["gzip", promisify<Buffer, ZlibOptions, Buffer>(gunzip)],
  ["x-gzip", promisify<Buffer, ZlibOptions, Buffer>(gunzip)],
  ["br", promisify<Buffer, ZlibOptions, Buffer>(brotliDecompress)],
  ["deflate", inflateEither],
]);

/** What a server may send, in an accept-encoding header. */
export const ACCEPTED_ENCODINGS = "gzip, deflate, br";

export interface BodyLimits {
  readonly host: string;
  readonly maxBytes: number;
}

/** Reads a body to its end, as long as it is no larger than allowed. */
export async function readBody(
  body: AsyncIterable<Buffer>,
  { host, maxBytes }: BodyLimits,
  received: (bytes: number) => void,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge({ host, maxBytes });
    chunks.push(chunk);
    received(bytes);
  }
  return Buffer.concat(chunks, bytes);
}

/** Undoes a content-encoding; what comes out is held to the same limit as what was sent. */
export async function decompress(
  bytes: Buffer,
  encoding: string,
  limits: BodyLimits,
): Promise<Buffer> {
  if (encoding === "" || encoding === "identity" || bytes.length === 0) return bytes;
  const undo = DECOMPRESS.get(encoding);
  if (undo === undefined) throw unreadable(`content-encoding ${encoding}`, limits.host);
  try {
    const whole: Promise<Buffer> = undo(bytes, { maxOutputLength: limits.maxBytes });
    return await whole;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(limits);
    }
    throw unreadable(`${encoding} that is damaged`, limits.host, error);
  }
}

/** `declared` is the size that the server announced, if it did. */
export function tooLarge({ host, maxBytes }: BodyLimits, declared?: number): PermanentError {
  const found = declared === undefined ? "more than that" : sizeInWords(declared);
  return new PermanentError(
    `${host}: the page is too large: at most ${sizeInWords(maxBytes)} are read (MILLRACE_FETCH_MAX_BYTES), and it is ${found}`,
    { code: "TOO_LARGE" },
  );
}

function unreadable(what: string, host: string, cause?: unknown): PermanentError {
  return new PermanentError(`${host} sent ${what}; only ${ACCEPTED_ENCODINGS} are read`, {
    code: "UNSUPPORTED_CONTENT",
    cause,
  });
}

/** "deflate" should be zlib's format; some servers send it without zlib's two bytes of header. */
function inflateEither(bytes: Buffer, options: ZlibOptions): Promise<Buffer> {
  const wrapped =
    (bytes.readUInt8() & 0x0f) === 8 && bytes.length > 1 && bytes.readUInt16BE() % 31 === 0;
  const undo: Decompress = promisify<Buffer, ZlibOptions, Buffer>(wrapped ? inflate : inflateRaw);
  return undo(bytes, options);
}
