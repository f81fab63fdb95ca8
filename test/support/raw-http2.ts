const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** What an HTTP/2 connection begins with: the preface, and settings that ask for nothing. */
export const HTTP2_START = Buffer.concat([PREFACE, frame(4, { stream: 0 })]);

/** The same, with SETTINGS_INITIAL_WINDOW_SIZE = 0: not a byte of any message may be sent. */
export const HTTP2_UNREAD_START = Buffer.concat([
  PREFACE,
  frame(4, { stream: 0, payload: Buffer.from([0, 4, 0, 0, 0, 0]) }),
]);

const END_STREAM = 1;
const END_HEADERS = 4;

/** HEADERS and DATA of a gRPC call; the message is enveloped already. */
export function grpcCall(
  stream: number,
  path: string,
  message: Buffer,
  metadata: Readonly<Record<string, string>> = {},
): readonly [Buffer, Buffer] {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...metadata,
  };
  return [
    frame(1, { stream, flags: END_HEADERS, payload: headerBlock(fields) }),
    frame(0, { stream, flags: END_STREAM, payload: message }),
  ];
}

/** RST_STREAM: the caller gives up one call, and keeps the connection. */
export function resetFrame(stream: number, errorCode: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(errorCode);
  return frame(3, { stream, payload });
}

interface FrameParts {
  readonly stream: number;
  readonly flags?: number;
  readonly payload?: Buffer;
}

/** RFC 9113, section 4.1. */
export function frame(
  type: number,
  { stream, flags = 0, payload = Buffer.alloc(0) }: FrameParts,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541, section 6.2.2: literals that are not indexed; names and values are shorter than 127 bytes. */
function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) =>
    Buffer.concat([Buffer.from([Buffer.byteLength(value)]), Buffer.from(value)]);
  const literals = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0]), text(name), text(value)]),
  );
  return Buffer.concat(literals);
}
