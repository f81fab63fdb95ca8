import * as fc from "fast-check";
import {
  enveloped,
  getRequest,
  HANG_UPS,
  postRequest,
  type Sending,
} from "#test/support/raw-http.ts";
import { frame, grpcCall, HTTP2_START } from "#test/support/raw-http2.ts";
import { damaged, damages } from "./damage.ts";

export type Attack = Omit<Sending, "port">;

const TASKS = "/millrace.v1.TaskService";
const HEALTH = "/grpc.health.v1.Health";
const EMPTY = enveloped(Buffer.alloc(0));

/** Heads that Node, or we, must refuse or bear: wrong lengths, chunks, names and versions. */
const ODD_REQUESTS = [
  "POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\nx",
  "POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
  "POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
  "POST /x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
  `POST ${TASKS}/GetTask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n`,
  `POST ${TASKS}/GetTask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}`,
  `POST ${TASKS}/GetTask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}`,
  `POST ${TASKS}/GetTask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnect-timeout-ms: 99999999999999999999\r\ncontent-length: 2\r\n\r\n{}`,
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nhost: [::\r\n\r\n",
  "GET //[ HTTP/1.1\r\nhost: a b\r\n\r\n",
  "GET http://[/ HTTP/1.1\r\nhost: localhost\r\n\r\n",
  "GET /%ff%00..%2f.. HTTP/1.1\r\nhost: localhost\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
  "CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
  "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
  "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
  "\r\n\r\n\r\n",
].map((text) => Buffer.from(text));

const REQUESTS = [
  getRequest(`${TASKS}/GetTask?encoding=json&connect=v1&message=%7B%22taskId%22%3A%22fuzz-0%22%7D`),
  getRequest("/millrace.v1.MonitorService/GetOverview?encoding=json&connect=v1&message=%7B%7D"),
  postRequest(`${TASKS}/ListTaskTypes`, "application/json", Buffer.from("{}")),
  postRequest(`${TASKS}/WatchTask`, "application/connect+json", enveloped(Buffer.from("{}"))),
  postRequest(`${HEALTH}/Watch`, "application/connect+proto", EMPTY),
  postRequest(`${HEALTH}/Watch`, "application/grpc-web+proto", EMPTY),
  postRequest(`${HEALTH}/Watch`, "application/grpc-web-text", Buffer.from("AAAAAAA=")),
  postRequest(`${HEALTH}/Check`, "application/connect+proto", enveloped(Buffer.from("x"), 0xff)),
  getRequest("/metrics"),
  getRequest("/readyz"),
  getRequest("/", { connection: "upgrade", upgrade: "websocket" }),
];

const hangUps = {
  hangUp: fc.constantFrom(...HANG_UPS),
  afterMs: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
};

/** One connection: its bytes in some packets, and how it is left. */
function connections(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Attack> {
  const pieces = fc.integer({ min: 1, max: 4 });
  return fc
    .record({ bytes, damage: damages, pieces, ...hangUps })
    .map(({ damage, pieces: count, bytes: whole, ...leaving }) => {
      const all = damaged(whole, damage);
      const size = Math.max(1, Math.ceil(all.length / count));
      const packets = Array.from({ length: count }, (_, at) =>
        all.subarray(at * size, (at + 1) * size),
      );
      return { packets, ...leaving };
    });
}

/** Requests behind one another, whole, cut or damaged. */
export const http1Connections: fc.Arbitrary<Attack> = connections(
  fc
    .array(fc.constantFrom(...REQUESTS, ...ODD_REQUESTS), { minLength: 1, maxLength: 6 })
    .map((requests) => Buffer.concat(requests)),
);

const CALLS = [
  ["GetTask", EMPTY],
  ["GetTask", enveloped(Buffer.from([0x0a, 0xff]))],
  ["GetTask", enveloped(Buffer.alloc(0), 0xff)],
  ["GetTask", enveloped(Buffer.alloc(0), 1)],
  ["WatchTask", EMPTY],
  ["WatchTask", Buffer.concat([EMPTY, EMPTY])],
  ["Nothing", EMPTY],
] as const;

const METADATA = [
  {},
  { "grpc-timeout": "99999999H" },
  { "grpc-timeout": "-1n" },
  { "grpc-timeout": "0n" },
  { "grpc-encoding": "brotli" },
  { "x-bin": "***" },
  { "x-not-ascii": "caf\u00e9" },
  { "content-type": "text/plain" },
] as const;

const call: fc.Arbitrary<Buffer> = fc
  .record({
    stream: fc.integer({ min: 0, max: 9 }),
    call: fc.constantFrom(...CALLS),
    metadata: fc.constantFrom(...METADATA),
  })
  .map(({ stream, call: [method, message], metadata }) =>
    Buffer.concat(grpcCall(stream, `${TASKS}/${method}`, message, metadata)),
  );

/** Of every type that there is, and of some that there are not. */
const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({
    type: fc.integer({ min: 0, max: 12 }),
    stream: fc.constantFrom(0, 1, 2, 3, 5, 2 ** 31 - 1),
    flags: fc.integer({ min: 0, max: 255 }),
    payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  })
  .map(({ type, ...parts }) => frame(type, parts));

/** Calls and frames in any order, mostly after a proper start. */
export const http2Connections: fc.Arbitrary<Attack> = connections(
  fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constant(HTTP2_START) }, fc.constant(Buffer.alloc(0))),
      fc.array(fc.oneof({ weight: 2, arbitrary: call }, anyFrame), { minLength: 1, maxLength: 8 }),
    )
    .map(([start, frames]) => Buffer.concat([start, ...frames])),
);
