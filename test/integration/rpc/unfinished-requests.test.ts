import { type IncomingMessage, request } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { type Client, Code, type ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import type { Door } from "#lib/rpc/door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { enveloped } from "#test/support/raw-http.ts";
import { until } from "#test/support/until.ts";
import { GET_TASK } from "./raw-grpc-call.ts";
import { Stage } from "./stage.ts";

/** Together far more than what a door holds, 128 MiB. */
const REQUESTS = 60;
const HALF_SENT = enveloped(Buffer.alloc(4_000_000)).subarray(0, 3_900_000);

/** A request of which the end never comes. */
interface Unfinished {
  /** The code that it was refused with. */
  readonly refused: () => string | undefined;
  readonly giveUp: () => void;
}

interface Face {
  readonly name: "gRPC" | "Connect";
  readonly open: (stage: Stage) => Promise<Door>;
  readonly client: (door: Door) => Client<typeof TaskService>;
  readonly begin: (door: Door) => Unfinished;
  readonly refusal: string;
}

function beginConnect(door: Door): Unfinished {
  let code: string | undefined;
  const headers = { "content-type": "application/proto", "content-length": 4_000_000 };
  const sending = request(`${door.url}/${GET_TASK}`, { method: "POST", headers });
  sending.on("error", () => {});
  sending.on("response", (answer: IncomingMessage) => {
    code = String(answer.statusCode);
    answer.resume();
  });
  sending.write(HALF_SENT);
  return { refused: () => code, giveUp: () => sending.destroy() };
}

function beginGrpc(door: Door): Unfinished {
  let code: string | undefined;
  const session = connectHttp2(door.url);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": `/${GET_TASK}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  const note = (fields: IncomingHttpHeaders) => (code ??= fields["grpc-status"]?.toString());
  stream.on("error", () => {});
  stream.on("response", note).on("trailers", note).resume();
  stream.write(HALF_SENT);
  return { refused: () => code, giveUp: () => session.destroy() };
}

const FACES: readonly Face[] = [
  {
    name: "gRPC",
    open: (stage) => openGrpcDoor(stage.options),
    client: ({ url }) => createClient(TaskService, createGrpcTransport({ baseUrl: url })),
    begin: beginGrpc,
    refusal: String(Code.ResourceExhausted),
  },
  {
    name: "Connect",
    open: (stage) => openConnectDoor({ ...stage.options, corsOrigins: [] }),
    client: ({ url }) =>
      createClient(TaskService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" })),
    begin: beginConnect,
    refusal: "429",
  },
];

describe.each(FACES)("at the $name door", ({ open, client: clientOf, begin, refusal }) => {
  let door: Door;
  beforeEach(async () => {
    door = await open(new Stage());
  });
  afterEach(() => door.leave());

  test("unfinished requests are held up to a limit, which keeps no small request out, and is given back", async () => {
    const client = clientOf(door);
    const all = Array.from({ length: REQUESTS }, () => begin(door));
    onTestFinished(() => {
      for (const { giveUp } of all) giveUp();
    });
    const refused = () => all.map((each) => each.refused()).filter((code) => code !== undefined);
    await until(() => refused().length >= REQUESTS / 3);
    expect(new Set(refused())).toEqual(new Set([refusal]));
    expect((await client.getTask({ taskId: "small" })).task?.id).toBe("small");
    const large = { taskId: "x".repeat(3_000_000) };
    const failure = () =>
      client.getTask(large).then(
        () => undefined,
        (error: ConnectError) => error,
      );
    for (const { giveUp } of all) giveUp();
    await until(async () => (await failure())?.code === Code.InvalidArgument);
  });
});
