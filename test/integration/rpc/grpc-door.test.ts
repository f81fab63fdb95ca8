import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GetTaskRequestSchema, TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import type { Door } from "#lib/rpc/door.ts";
import { DoorError } from "#lib/rpc/door-error.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { TaskNotFound } from "#lib/task/errors.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";
import { contract } from "./contract.ts";
import { grpcJsTransport } from "./grpc-js-transport.ts";
import { rawGrpcCall, requestOf, WATCH_TASK } from "./raw-grpc-call.ts";
import { errorOf, KEEP_ALIVE } from "./scene.ts";
import { Stage } from "./stage.ts";

const openDoor = ({ options }: Stage, leaveGraceMs = options.leaveGraceMs) =>
  openGrpcDoor({ ...options, leaveGraceMs });

contract("the gRPC door, by connect-node's client", {
  openDoor,
  transport(port) {
    const baseUrl = `http://127.0.0.1:${port}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    const transport = createGrpcTransport({ baseUrl, sessionManager });
    return { ...transport, [Symbol.dispose]: () => sessionManager.abort() };
  },
});

contract("the gRPC door, by grpc-js's client", { openDoor, transport: grpcJsTransport });

describe("the gRPC door", () => {
  test("answers at the deadline itself, for a client that only sends it", async () => {
    const stage = new Stage();
    await using door = await openDoor(stage);
    stage.onGet("deaf", () => new Promise(() => {}));
    const session = connectHttp2(door.url);
    const stream = session.request({
      ":method": "POST",
      ":path": "/millrace.v1.TaskService/GetTask",
      "content-type": "application/grpc",
      "grpc-timeout": "50m",
      te: "trailers",
    });
    const request = create(GetTaskRequestSchema, { taskId: "deaf" });
    stream.end(encodeEnvelope(0, toBinary(GetTaskRequestSchema, request)));
    const [headers] = await once(stream, "response");
    expect(headers["grpc-status"]).toBe("4");
    const line = await stage.logged(({ method }) => String(method).endsWith("/GetTask"));
    expect(line).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    session.close();
  });

  test("calls of a connection that answers no pings end with UNAVAILABLE", async () => {
    const stage = new Stage();
    await using door = await openGrpcDoor(stage.options, { everyMs: 500, answeredWithinMs: 200 });
    await using line = await TcpProxy.open(door.port);
    stage.onWatch("endless", async function* () {
      yield KEEP_ALIVE;
      await new Promise(() => {});
    });
    stage.onGet("endless", () => new Promise(() => {}));
    using transport = grpcJsTransport(Number(new URL(line.url).port));
    const tasks = createClient(TaskService, transport);
    const begun = Promise.withResolvers<void>();
    const watches = Array.from({ length: 20 }, async () => {
      for await (const _ of tasks.watchTask({ taskId: "endless" })) begun.resolve();
    });
    const calls = [...watches, tasks.getTask({ taskId: "endless" })].map(errorOf);
    await begun.promise;
    line.silence("to broker");
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set([Code.Unavailable]));
  });

  test("a taken port is said to be taken, in words for people", async () => {
    const { options } = new Stage();
    await using door = await openGrpcDoor(options);
    const second = openGrpcDoor({ ...options, port: door.port });
    await expect(second).rejects.toThrow(DoorError);
    await expect(second).rejects.toThrow(
      `can't listen on 127.0.0.1:${door.port}: the port is taken; stop the program that has it, or choose another port`,
    );
  });

  test("tells where it is open, and hides no other address", async () => {
    await using door = await openGrpcDoor({ ...new Stage().options, host: "0.0.0.0" });
    expect(door.port).toBeGreaterThan(0);
    expect(door.address).toBe(`0.0.0.0:${door.port}`);
    expect(door.url).toBe(`http://0.0.0.0:${door.port}`);
  });

  test("leaves within its grace although a client stays connected and says nothing", async () => {
    await using door = await openDoor(new Stage(), 20);
    const silent = connect(door.port, "127.0.0.1");
    await once(silent, "connect");
    const closed = once(silent, "close");
    silent.resume().on("error", () => {});
    await Promise.all([door.leave(), door.leave(), closed]);
  });
});

describe("what the gRPC door sends", () => {
  const stage = new Stage();
  let door: Door;
  let session: ClientHttp2Session;

  beforeAll(async () => {
    door = await openDoor(stage);
    session = connectHttp2(door.url);
  });

  afterAll(async () => {
    session.destroy();
    await door.leave();
  });

  test.each(["720H", "99999999H"])("waits for a deadline of %s", async (timeout) => {
    const others = Promise.withResolvers<void>();
    stage.onGet("a", async () => {
      await others.promise;
      return {};
    });
    const waiting = rawGrpcCall(session, requestOf("a"), { "grpc-timeout": timeout });
    // Whatever its timer would do at once, it has done when these are answered.
    for (let count = 0; count < 3; count += 1) await rawGrpcCall(session, requestOf("b"));
    others.resolve();
    expect((await waiting).trailer["grpc-status"]).toBe("0");
  });

  test("sends the header of a call that fails before its first message, and no padded details", async () => {
    stage.onGet("a", ({ responseHeader }) => {
      responseHeader.set("x-request-id", "7");
      throw new TaskNotFound("a");
    });
    const { header, trailer } = await rawGrpcCall(session, requestOf("a"));
    expect(header).toMatchObject({ "x-request-id": "7" });
    expect(trailer).toMatchObject({ "grpc-status": "5" });
    expect(trailer["grpc-status-details-bin"]).not.toMatch(/=$/);
  });

  test("ends a call that went well without a message about it", async () => {
    stage.onWatch("a", async function* () {
      yield KEEP_ALIVE;
    });
    const { trailer } = await rawGrpcCall(session, requestOf("a"), { ":path": `/${WATCH_TASK}` });
    expect(trailer).toMatchObject({ "grpc-status": "0" });
    expect(trailer).not.toHaveProperty("grpc-message");
  });
});
