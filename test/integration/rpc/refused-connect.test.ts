import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#gen/google/rpc/status_pb.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import { type Door, MAX_MESSAGE_BYTES } from "#lib/rpc/door.ts";
import { enveloped, getRequest, postRequest, sendAndHangUp } from "#test/support/raw-http.ts";
import { until } from "#test/support/until.ts";
import { DEEP, NO_MESSAGE, ToldStage } from "./bad-requests.ts";
import { Stage } from "./stage.ts";

const GET_TASK = "millrace.v1.TaskService/GetTask";
const WATCH_TASK = "millrace.v1.TaskService/WatchTask";

const stage = new ToldStage();
let door: Door;

beforeAll(async () => {
  const { observers } = stage;
  door = await openConnectDoor({ ...stage.options, observers, corsOrigins: [] });
});

afterAll(() => door.leave());

function post(
  type: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
  method = GET_TASK,
): Promise<Response> {
  return fetch(`${door.url}/${method}`, {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body,
  });
}

interface Bad {
  readonly what: string;
  readonly call: () => Promise<Response>;
  readonly code: string;
  readonly text: string;
}

const PROTO = "application/proto";
const JSON_TYPE = "application/json";
const UNREADABLE = { code: "INVALID_ARGUMENT", text: "the request can't be read" };
const GZIP = { "content-encoding": "gzip" };

const BAD: readonly Bad[] = [
  { what: "bytes that are no message", call: () => post(PROTO, NO_MESSAGE), ...UNREADABLE },
  { what: "a message that is nested too deeply", call: () => post(PROTO, DEEP), ...UNREADABLE },
  {
    what: "a query that is not base64",
    call: () => fetch(`${door.url}/${GET_TASK}?connect=v1&encoding=proto&base64=1&message=%21`),
    ...UNREADABLE,
  },
  {
    what: "bytes that are not gzip",
    call: () => post(PROTO, NO_MESSAGE, GZIP),
    code: "INVALID_ARGUMENT",
    text: "",
  },
  {
    what: "text that is not JSON",
    call: () => post(JSON_TYPE, "{"),
    code: "INVALID_ARGUMENT",
    text: "JSON",
  },
  {
    what: "a field that there is not",
    call: () => post(JSON_TYPE, '{"task":"a"}'),
    code: "INVALID_ARGUMENT",
    text: '"task" is unknown',
  },
  {
    what: "a field of so long a name that the answer would be compressed",
    call: () => post(JSON_TYPE, `{"${"x".repeat(20_000)}":1}`),
    code: "INVALID_ARGUMENT",
    text: "JSON",
  },
  {
    what: "a deadline that is no time",
    call: () => post(JSON_TYPE, "{}", { "connect-timeout-ms": "soon" }),
    code: "INVALID_ARGUMENT",
    text: "invalid connect timeout value: soon",
  },
  {
    what: "an unknown compression",
    call: () => post(PROTO, NO_MESSAGE, { "content-encoding": "zstd" }),
    code: "UNIMPLEMENTED",
    text: "zstd",
  },
  {
    what: "a message above 4 MiB",
    call: () => post(PROTO, Buffer.alloc(MAX_MESSAGE_BYTES + 1)),
    code: "RESOURCE_EXHAUSTED",
    text: "4194304",
  },
];

/** Of a stream; and of a gRPC-Web call, of whatever kind it is. */
const BAD_FRAMES = [
  { what: "bytes that are no message", body: enveloped(NO_MESSAGE), ...UNREADABLE },
  { what: "a message that is nested too deeply", body: enveloped(DEEP), ...UNREADABLE },
  {
    what: "unknown flags",
    body: enveloped(NO_MESSAGE, 0xff),
    code: "INVALID_ARGUMENT",
    text: "flags are 255; they can be 0, or 1",
  },
  {
    what: "a message that is cut off",
    body: enveloped(NO_MESSAGE).subarray(0, -1),
    code: "INVALID_ARGUMENT",
    text: "ends within a message",
  },
  {
    what: "a compressed message that is not said to be",
    body: enveloped(NO_MESSAGE, 1),
    code: "INTERNAL",
    text: "does not say how",
  },
  {
    what: "more than 10,000 messages",
    body: Buffer.concat(Array.from({ length: 10_001 }, () => enveloped(Buffer.alloc(0)))),
    code: "RESOURCE_EXHAUSTED",
    text: "more than 10000 messages",
  },
];

function expectTold(
  line: object,
  method: string,
  { code, text: reason }: Pick<Bad, "code" | "text">,
): void {
  expect(line).toMatchObject({
    level: 30,
    method,
    code,
    reason: expect.stringContaining(reason),
    counted: { method, code },
  });
}

describe("a Connect call that can't be served is refused, logged without a stack, and counted:", () => {
  test.each(BAD)("$what", async ({ call, ...expected }) => {
    const { answer, told } = await stage.told(() => call());
    const { code, message, details } = JSON.parse(await answer.text());
    expect(code).toBe(expected.code.toLowerCase());
    expect(message).toContain(expected.text);
    expect(details[0].debug).toEqual({ reason: expected.code, domain: "millrace" });
    expectTold(told, GET_TASK, expected);
  });

  test.each(BAD_FRAMES)("$what, to a stream", async ({ body, ...expected }) => {
    const { answer, told } = await stage.told(() =>
      post("application/connect+proto", body, {}, WATCH_TASK),
    );
    const { error } = JSON.parse((await answer.text()).slice(5));
    expect(error.code).toBe(expected.code.toLowerCase());
    expect(error.details[0].debug).toEqual({ reason: expected.code, domain: "millrace" });
    expectTold(told, WATCH_TASK, expected);
  });

  test.each(BAD_FRAMES)("$what, by gRPC-Web", async ({ body, ...expected }) => {
    const { answer, told } = await stage.told(() => post("application/grpc-web+proto", body));
    const trailer = (await answer.text()).slice(5);
    const [, details = ""] = /grpc-status-details-bin: (\S+)/.exec(trailer) ?? [];
    const status = fromBinary(StatusSchema, Buffer.from(details, "base64"));
    expect(status.message).toContain(expected.text);
    expect(status.details.map((any) => anyUnpack(any, ErrorInfoSchema)?.reason)).toEqual([
      expected.code,
    ]);
    expectTold(told, GET_TASK, expected);
  });

  test.each([
    { what: "another codec", call: () => post("application/xml", "<a/>"), status: 415 },
    {
      what: "another HTTP method",
      call: () => fetch(`${door.url}/${GET_TASK}`, { method: "PUT" }),
      status: 405,
    },
  ])("$what, by an HTTP status", async ({ call, status }) => {
    const { answer, told } = await stage.told(call);
    expect(answer.status).toBe(status);
    const reason = `HTTP status ${status}`;
    expect(await answer.text()).toContain(reason);
    expectTold(told, GET_TASK, { code: "UNKNOWN", text: reason });
  });

  test("a request that its caller gives up, which is no fault of anybody", async () => {
    const { told } = await stage.told(async () => {
      const request = postRequest(`/${GET_TASK}`, PROTO, NO_MESSAGE).subarray(0, -1);
      await sendAndHangUp({ port: door.port, packets: [request], hangUp: "reset", afterMs: 20 });
    });
    const counts = { method: GET_TASK, code: "ABORTED" };
    expect(told).toMatchObject({ ...counts, counted: counts });
  });

  test("requests whose caller hangs up at once, whose address nobody knows then", async () => {
    const alone = new Stage();
    await using own = await openConnectDoor({ ...alone.options, corsOrigins: [] });
    const packets = [Buffer.concat(Array.from({ length: 8 }, () => getRequest("/nowhere")))];
    const hangUp = () => sendAndHangUp({ port: own.port, packets, hangUp: "reset" });
    await Promise.all(Array.from({ length: 20 }, hangUp));
    const peers = () => alone.lines.map(({ peer }) => peer).filter((peer) => peer !== undefined);
    await until(() => peers().length >= 20);
    for (const peer of peers()) expect(peer).toMatch(/^127\.0\.0\.1:\d+$|^unknown$/);
  });

  test("a path at which nothing is served, which gets no metric of its own", async () => {
    const path = "millrace.v1.TaskService/GetTisk";
    const { answer, told } = await stage.told(() => post(JSON_TYPE, "{}", {}, path));
    expect(answer.status).toBe(404);
    expectTold(told, "unserved", { code: "UNIMPLEMENTED", text: "/GetTisk" });
  });

  test.each(["a b", "[::1", "", "exa%mple:99999"])("a Host header %j", async (host) => {
    const { answer, told } = await stage.told(() => {
      const socket = connect(door.port, "127.0.0.1");
      socket.end(`GET /${GET_TASK} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      return text(socket);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain("is no host, or host:port");
    expectTold(told, "unserved", {
      code: "INVALID_ARGUMENT",
      text: "is no host, or host:port",
    });
  });
});

test.each([{ "connect-timeout-ms": "2592000000" }, { "connect-timeout-ms": "9999999999" }])(
  "the Connect door waits for a deadline of %o, to its end",
  async (headers) => {
    const answer = await post(JSON_TYPE, '{"taskId":"a"}', headers);
    expect(await answer.json()).toEqual({ task: { id: "a" } });
  },
);

/** Longer than the Connect door waits for what is left of a body that nobody wants. */
const REST_GIVEN_UP_MS = 2_500;
const MESSAGE = enveloped(Buffer.from('{"taskId":"a"}'));

interface GivenUp {
  readonly what: string;
  readonly body: Buffer;
  /** Whether the body comes only when the answer is there: its deadline has passed. */
  readonly isLate: boolean;
}

test.each<GivenUp>([
  {
    what: "that ended before its request came, which can't be read",
    body: enveloped(Buffer.from('{"no":"field"}')),
    isLate: true,
  },
  {
    what: "that was asked for by two messages",
    body: Buffer.concat([MESSAGE, MESSAGE]),
    isLate: false,
  },
  {
    what: "that was asked for by 50,000 messages",
    body: Buffer.concat(Array.from({ length: 50_000 }, () => MESSAGE)),
    isLate: false,
  },
])("a connection serves what comes after a stream $what", async ({ body, isLate }) => {
  const socket = connect(door.port, "127.0.0.1");
  socket.on("error", () => {});
  let answered = "";
  socket.setEncoding("latin1").on("data", (data: string) => {
    answered += data;
  });
  const whole = postRequest(`/${WATCH_TASK}`, "application/connect+json", body);
  const head = String(whole.subarray(0, -body.length));
  socket.write(isLate ? head.replace("\r\n\r\n", "\r\nconnect-timeout-ms: 50\r\n\r\n") : whole);
  await expect.poll(() => answered).toContain('"error"');
  if (isLate) socket.write(body);
  const ask = postRequest(`/${GET_TASK}`, JSON_TYPE, Buffer.from('{"taskId":"next"}'));
  for (const enough = performance.now() + REST_GIVEN_UP_MS; performance.now() < enough; ) {
    answered = "";
    socket.write(ask);
    await expect.poll(() => `${socket.destroyed} ${answered}`).toMatch(/"next"|^true/);
    expect(socket.destroyed).toBe(false);
  }
  socket.destroy();
});
