import { type ClientHttp2Session, connect, constants } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#gen/google/rpc/status_pb.ts";
import type { Door } from "#lib/rpc/door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { enveloped, sendAndHangUp } from "#test/support/raw-http.ts";
import { grpcCall, HTTP2_START, resetFrame } from "#test/support/raw-http2.ts";
import { DEEP, NO_MESSAGE, ToldStage } from "./bad-requests.ts";
import { GET_TASK, type GrpcAnswer, rawGrpcCall, requestOf, WATCH_TASK } from "./raw-grpc-call.ts";

/** Where a frame of HTTP/2 says that it is the last. */
const FLAGS_AT = 4;

const REQUEST = requestOf("a");

const stage = new ToldStage();
let door: Door;
let session: ClientHttp2Session;

beforeAll(async () => {
  const { observers } = stage;
  door = await openGrpcDoor({ ...stage.options, observers });
  session = connect(door.url);
  session.on("error", () => {});
});

afterAll(async () => {
  session.destroy();
  await door.leave();
});

function call(body: Buffer, fields?: Record<string, string>): Promise<GrpcAnswer> {
  return rawGrpcCall(session, body, fields);
}

function reasonIn({ trailer }: GrpcAnswer): string | undefined {
  const bytes = Buffer.from(String(trailer["grpc-status-details-bin"]), "base64");
  const details = fromBinary(StatusSchema, bytes).details.map((any) =>
    anyUnpack(any, ErrorInfoSchema),
  );
  return details.find((info) => info !== undefined)?.reason;
}

interface Bad {
  readonly what: string;
  readonly body: Buffer;
  readonly code: string;
  readonly status: number;
  readonly fields?: Record<string, string>;
  readonly text: string;
}

const GZIP = { "grpc-encoding": "gzip" };
const INVALID = { code: "INVALID_ARGUMENT", status: 3 };

/** Until a call has begun. */
const BEGUN_MS = 100;

const BAD: readonly Bad[] = [
  {
    what: "bytes that are no message",
    body: enveloped(NO_MESSAGE),
    ...INVALID,
    text: "the request can't be read",
  },
  {
    what: "a message that is nested too deeply",
    body: enveloped(DEEP),
    ...INVALID,
    text: "the request can't be read",
  },
  {
    what: "a last message that is cut off",
    body: REQUEST.subarray(0, -1),
    ...INVALID,
    text: "ends within a message",
  },
  {
    what: "a second message that is cut off",
    body: Buffer.concat([REQUEST, REQUEST.subarray(0, 3)]),
    ...INVALID,
    text: "ends within a message",
  },
  {
    what: "unknown flags",
    body: enveloped(Buffer.alloc(1), 0xff),
    ...INVALID,
    text: "flags are 255; they can be 0, or 1",
  },
  {
    what: "bytes that are not gzip",
    body: enveloped(NO_MESSAGE, 1),
    fields: GZIP,
    ...INVALID,
    text: "the request can't be read",
  },
  {
    what: "a deadline that is no time",
    body: REQUEST,
    fields: { "grpc-timeout": "soon" },
    ...INVALID,
    text: "invalid grpc timeout value: soon",
  },
  {
    what: "a compressed message that is not said to be",
    body: enveloped(NO_MESSAGE, 1),
    code: "INTERNAL",
    status: 13,
    text: "does not say how",
  },
  {
    what: "an unknown compression",
    body: REQUEST,
    fields: { "grpc-encoding": "zstd" },
    code: "UNIMPLEMENTED",
    status: 12,
    text: '"zstd" is not known; it can be identity, gzip, deflate',
  },
  {
    what: "no message",
    body: Buffer.alloc(0),
    code: "UNIMPLEMENTED",
    status: 12,
    text: "no message",
  },
  {
    what: "two messages",
    body: Buffer.concat([REQUEST, REQUEST]),
    code: "UNIMPLEMENTED",
    status: 12,
    text: "more than one message",
  },
  {
    what: "a message above 4 MiB",
    body: Buffer.from([0, 0, 0x40, 0, 1, 0]),
    code: "RESOURCE_EXHAUSTED",
    status: 8,
    text: "4194304",
  },
];

describe("a gRPC call that can't be served is refused, logged without a stack, and counted:", () => {
  test.each(BAD)("$what", async ({ body, fields = {}, code, status, text }) => {
    const { answer, told } = await stage.told(() => call(body, fields));
    expect(answer.trailer["grpc-status"]).toBe(String(status));
    expect(decodeURI(String(answer.trailer["grpc-message"]))).toContain(text);
    expect(reasonIn(answer)).toBe(code);
    const line = { level: 30, method: GET_TASK, code, reason: expect.stringContaining(text) };
    expect(told).toMatchObject({ ...line, counted: { method: GET_TASK, code } });
  });

  test("bytes that are no message, to a stream", async () => {
    const { answer, told } = await stage.told(() =>
      call(enveloped(NO_MESSAGE), { ":path": `/${WATCH_TASK}` }),
    );
    expect(answer.trailer["grpc-status"]).toBe("3");
    expect(reasonIn(answer)).toBe("INVALID_ARGUMENT");
    const counts = { method: WATCH_TASK, code: "INVALID_ARGUMENT" };
    expect(told).toMatchObject({ level: 30, ...counts, counted: counts });
  });

  test.each([
    { what: "another codec", fields: { "content-type": "application/grpc+json" }, status: 415 },
    { what: "gRPC-Web", fields: { "content-type": "application/grpc-web+proto" }, status: 415 },
    { what: "another HTTP method", fields: { ":method": "PUT" }, status: 405 },
  ])("$what, by an HTTP status", async ({ fields, status }) => {
    const { answer, told } = await stage.told(() => call(REQUEST, fields));
    const { header } = answer;
    expect(header).toMatchObject({ ":status": status });
    const counts = { method: GET_TASK, code: "UNKNOWN" };
    expect(told).toMatchObject({ level: 30, ...counts, counted: counts });
  });

  test("a request that its caller gives up, which is no fault of anybody", async () => {
    const { told } = await stage.told(async () => {
      const [headers, data] = grpcCall(1, `/${GET_TASK}`, REQUEST);
      data[FLAGS_AT] = 0;
      const begin = Buffer.concat([HTTP2_START, headers, data]);
      // A call that is given up in the packet that brought it never begins.
      const packets = [begin, resetFrame(1, constants.NGHTTP2_CANCEL)];
      await sendAndHangUp({ port: door.port, packets, hangUp: "end", afterMs: BEGUN_MS });
    });
    const counts = { method: GET_TASK, code: "CANCELED" };
    expect(told).toMatchObject({ level: 20, ...counts, counted: counts });
  });

  test("a method that is not served, which gets no metric of its own", async () => {
    const { answer, told } = await stage.told(() =>
      call(REQUEST, { ":path": "/millrace.v1.TaskService/GetTisk" }),
    );
    const { trailer } = answer;
    expect(trailer["grpc-status"]).toBe("12");
    const line = { code: "UNIMPLEMENTED", reason: expect.stringContaining("/GetTisk") };
    const counts = { method: "unserved", code: "UNIMPLEMENTED" };
    expect(told).toMatchObject({ level: 30, ...line, counted: counts });
  });
});
