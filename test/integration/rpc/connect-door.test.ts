import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { healthEndpoints } from "#lib/process/health-endpoints.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import { DoorError } from "#lib/rpc/door-error.ts";
import { enveloped, getRequest, postRequest } from "#test/support/raw-http.ts";
import { until } from "#test/support/until.ts";
import { contract } from "./contract.ts";
import { KEEP_ALIVE } from "./scene.ts";
import { Stage } from "./stage.ts";

const openDoor = ({ options }: Stage, leaveGraceMs = options.leaveGraceMs) =>
  openConnectDoor({ ...options, leaveGraceMs, corsOrigins: ["loopback"] });

const optionsFor = (port: number) =>
  ({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" }) as const;

contract("the Connect door, by binary Connect", {
  openDoor,
  transport: (port) => createConnectTransport({ ...optionsFor(port), useBinaryFormat: true }),
});

contract("the Connect door, by JSON Connect", {
  openDoor,
  transport: (port) => createConnectTransport({ ...optionsFor(port), useBinaryFormat: false }),
});

contract("the Connect door, by gRPC-Web", {
  openDoor,
  transport: (port) => createGrpcWebTransport(optionsFor(port)),
});

function post(url: string, method: string, body: object, headers: Record<string, string> = {}) {
  return fetch(`${url}/millrace.v1.TaskService/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

function watchRequest(taskId: string): Buffer {
  const body = enveloped(Buffer.from(JSON.stringify({ taskId })));
  return postRequest("/millrace.v1.TaskService/WatchTask", "application/connect+json", body);
}

const PAGE = { "@type": "type.googleapis.com/millrace.tasks.v1.SummarizePage", url: "https://a.b" };

describe("the Connect door", () => {
  test("answers at the deadline itself, for a client that only sends it", async () => {
    const stage = new Stage();
    await using door = await openDoor(stage);
    stage.onGet("deaf", () => new Promise(() => {}));
    const headers = { "connect-timeout-ms": "50" };
    const response = await post(door.url, "GetTask", { taskId: "deaf" }, headers);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: "deadline_exceeded" });
    const line = await stage.logged(({ method }) => String(method).endsWith("/GetTask"));
    expect(line).toMatchObject({ code: "DEADLINE_EXCEEDED", peer: expect.stringMatching(/^127/) });
  });

  test("knows the messages of a type that was announced after it was opened", async () => {
    const stage = new Stage();
    await using door = await openDoor(stage);
    const early = await post(door.url, "SubmitTask", { spec: { input: PAGE } });
    expect(early.status).toBe(400);
    expect(await early.json()).toMatchObject({
      code: "failed_precondition",
      message: "no worker has announced the task type millrace.tasks.v1.SummarizePage",
    });
    stage.registry.add(SummarizePageSchema);
    const late = await post(door.url, "SubmitTask", { spec: { input: PAGE } });
    expect(await late.json()).toEqual({ task: { spec: { input: PAGE } } });
  });

  test("error details are readable in JSON", async () => {
    await using door = await openDoor(new Stage());
    const response = await post(door.url, "GetTask", { taskId: "not an id" });
    expect(await response.json()).toMatchObject({
      details: [
        { type: "google.rpc.ErrorInfo", debug: { reason: "INVALID_FIELD", domain: "millrace" } },
        { type: "google.rpc.BadRequest", debug: { fieldViolations: [{ field: "task_id" }] } },
      ],
    });
  });

  test("a page of this machine may call, and read the answer", async () => {
    await using door = await openDoor(new Stage());
    const origin = "http://localhost:5173";
    const preflight = await fetch(`${door.url}/millrace.v1.TaskService/GetTask`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,connect-protocol-version",
      },
    });
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": expect.stringContaining("POST"),
      "access-control-allow-headers": expect.stringMatching(/content-type.*connect-protocol/i),
      vary: "Origin",
    });
    const answer = await post(door.url, "GetTask", { taskId: "a" }, { origin });
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/grpc-status/i);
  });

  test("a page of elsewhere may not", async () => {
    await using door = await openDoor(new Stage());
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const preflight = await fetch(door.url, { method: "OPTIONS", headers });
    expect(preflight.headers.has("access-control-allow-origin")).toBe(false);
    expect(preflight.headers.has("access-control-allow-methods")).toBe(false);
  });

  test("serves its endpoints beside the calls, and says what it does not serve", async () => {
    const readiness = new Readiness(["broker"]);
    const endpoints = [healthEndpoints(readiness)];
    const { options } = new Stage();
    await using door = await openConnectDoor({ ...options, corsOrigins: [], endpoints });
    expect((await fetch(`${door.url}/readyz`)).status).toBe(503);
    // As some load balancers ask: without a Host.
    const probe = connect(door.port, "127.0.0.1").end("GET /livez HTTP/1.0\r\n\r\n");
    expect(await text(probe)).toMatch(/^HTTP\/1.1 200 /);
    const absent = await fetch(`${door.url}/nowhere`);
    expect(absent.status).toBe(404);
    expect(await absent.json()).toEqual({
      code: "unimplemented",
      message: "nothing is served at /nowhere",
    });
  });

  test("compresses large answers only", async () => {
    const stage = new Stage();
    await using door = await openDoor(stage);
    stage.onGet("large", () => ({ task: { id: "x".repeat(10_000) } }));
    const small = await post(door.url, "GetTask", { taskId: "small" });
    const large = await post(door.url, "GetTask", { taskId: "large" });
    expect(small.headers.get("content-encoding")).toBeNull();
    expect(large.headers.get("content-encoding")).toBe("gzip");
    expect(await large.json()).toEqual({ task: { id: "x".repeat(10_000) } });
  });

  test("ends a connection on which a request comes behind a stream, and the stream with it", async () => {
    const stage = new Stage();
    await using door = await openDoor(stage);
    const stopped = Promise.withResolvers<void>();
    stage.onWatch("endless", async function* ({ signal }) {
      signal.addEventListener("abort", () => stopped.resolve());
      yield KEEP_ALIVE;
      await stopped.promise;
    });
    const socket = connect(door.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(Buffer.concat([watchRequest("endless"), getRequest("/livez")]));
    await Promise.all([once(socket.resume(), "close"), stopped.promise]);
  });

  test("serves the next request of a connection when a stream on it has ended", async () => {
    await using door = await openDoor(new Stage());
    const socket = connect(door.port, "127.0.0.1").setEncoding("latin1");
    let read = "";
    socket.on("data", (part) => {
      read += part;
    });
    for (const answers of [1, 2]) {
      socket.write(watchRequest("ends"));
      await until(() => read.split("0\r\n\r\n").length > answers);
    }
    expect(read.match(/HTTP\/1.1 200/g)).toHaveLength(2);
    socket.destroy();
  });

  test("tells callers on connections that are kept to send nothing more on them once it leaves", async () => {
    const stage = new Stage();
    await using door = await openDoor(stage);
    const [entered, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    stage.onGet("slow", async () => {
      entered.resolve();
      await finish.promise;
      return { task: { id: "done" } };
    });
    const before = await post(door.url, "GetTask", { taskId: "plain" });
    expect(before.headers.get("connection")).toBe("keep-alive");
    const answer = post(door.url, "GetTask", { taskId: "slow" });
    await entered.promise;
    const left = door.leave();
    finish.resolve();
    expect((await answer).headers.get("connection")).toBe("close");
    await left;
  });

  test("ends a connection on which many requests wait for their answers", async () => {
    const stage = new Stage();
    let begun = 0;
    stage.onGet("deaf", () => {
      begun += 1;
      return new Promise(() => {});
    });
    await using door = await openDoor(stage, 0);
    const path = "/millrace.v1.TaskService/GetTask?encoding=json&connect=v1&message=";
    const request = getRequest(`${path}${encodeURIComponent('{"taskId":"deaf"}')}`);
    const socket = connect(door.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(Buffer.concat(Array.from({ length: 100 }, () => request)));
    await once(socket.resume(), "close");
    expect(begun).toBeLessThanOrEqual(16);
  });

  test("leaves at once although idle connections are kept", async () => {
    await using door = await openDoor(new Stage());
    await (await fetch(`${door.url}/`)).text();
    await Promise.all([door.leave(), door.leave()]);
  });

  test("a port that can't be opened is told in words for people", async () => {
    const { options } = new Stage();
    await using door = await openConnectDoor({ ...options, corsOrigins: [] });
    const taken = openConnectDoor({ ...options, corsOrigins: [], port: door.port });
    await expect(taken).rejects.toThrow(DoorError);
    await expect(taken).rejects.toThrow(
      `can't listen on 127.0.0.1:${door.port}: the port is taken`,
    );
    const foreign = openConnectDoor({ ...options, corsOrigins: [], host: "192.0.2.1" });
    await expect(foreign).rejects.toThrow("this machine does not have that address");
  });
});
