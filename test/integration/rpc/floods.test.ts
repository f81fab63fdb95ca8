import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  GetTaskRequestSchema,
  TaskService,
  WatchTaskRequestSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import type { Door } from "#lib/rpc/door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { RawConnection } from "#test/support/raw-connection.ts";
import { enveloped } from "#test/support/raw-http.ts";
import { grpcCall, HTTP2_START, HTTP2_UNREAD_START, resetFrame } from "#test/support/raw-http2.ts";
import { until } from "#test/support/until.ts";
import { KEEP_ALIVE } from "./scene.ts";
import { Stage } from "./stage.ts";

const CANCEL = 8;
const MAX_UNANSWERED = 128;
const MAX_STREAMS = 6_000;
/** Calls of others in which nothing more has happened: what was to come has come. */
const QUIET_CALLS = 20;

const SERVICE = "/millrace.v1.TaskService";
const get = enveloped(
  toBinary(GetTaskRequestSchema, create(GetTaskRequestSchema, { taskId: "flood" })),
);
const watch = enveloped(
  toBinary(WatchTaskRequestSchema, create(WatchTaskRequestSchema, { taskId: "flood" })),
);

const getCall = (stream: number) => grpcCall(stream, `${SERVICE}/GetTask`, get);
const watchCall = (stream: number) => grpcCall(stream, `${SERVICE}/WatchTask`, watch);

function many(count: number, of: (stream: number) => readonly Buffer[]): Buffer[] {
  return Array.from({ length: count }, (_, index) => of(1 + 2 * index)).flat();
}

async function openDoor(stage: Stage): Promise<Door> {
  const door = await openGrpcDoor({ ...stage.options, leaveGraceMs: 0 });
  onTestFinished(() => door.leave());
  return door;
}

function clientOf({ address }: Door) {
  const connection = openGrpcClient({ address });
  onTestFinished(() => connection.close());
  return connection.of(TaskService);
}

/** Waits until the figure stands still while others are answered. */
async function atRest(door: Door, figure: () => number): Promise<number> {
  const beside = clientOf(door);
  for (let quiet = 0, before = -1; quiet < QUIET_CALLS; quiet += 1) {
    if (figure() !== before) quiet = 0;
    before = figure();
    await beside.getTask({ taskId: "beside" });
  }
  return figure();
}

describe("one connection of the gRPC door", () => {
  test("is ended when it cancels its calls at once, and none of them begins", async () => {
    const stage = new Stage();
    let begun = 0;
    stage.onGet("flood", () => ({ task: { attempt: ++begun } }));
    const door = await openDoor(stage);
    using flood = await RawConnection.open(door.port, "reading");
    const canceled = (stream: number) => [...getCall(stream), resetFrame(stream, CANCEL)];
    void flood.send(HTTP2_START, ...many(2_000, canceled));
    await flood.closed;
    await stage.logged(({ msg }) => msg === "connection ended");
    expect(await atRest(door, () => begun)).toBe(0);
  });

  test("lives on when a thousand of its answered watches are given up at once, again and again", async () => {
    const stage = new Stage();
    const { promise: enough, resolve: end } = Promise.withResolvers<void>();
    stage.onWatch("endless", async function* () {
      yield KEEP_ALIVE;
      await enough;
    });
    const client = clientOf(await openDoor(stage));
    const stayed = Array.fromAsync(client.watchTask({ taskId: "endless" }));
    for (let round = 0; round < 2; round += 1) {
      const leaving = new AbortController();
      const answered = async () => {
        const updates = client.watchTask({ taskId: "endless" }, leaving);
        await updates[Symbol.asyncIterator]().next();
      };
      await Promise.all(Array.from({ length: 1_000 }, answered));
      leaving.abort();
    }
    end();
    expect(await stayed).toHaveLength(1);
  });

  test("waits with its next calls while nobody reads the answers of the last, and none begins after it has hung up", async () => {
    const stage = new Stage();
    let begun = 0;
    stage.onGet("flood", () => ({ task: { attempt: ++begun } }));
    const door = await openDoor(stage);
    using flood = await RawConnection.open(door.port, "reading");
    void flood.send(HTTP2_UNREAD_START, ...many(1_000, getCall));
    expect(await atRest(door, () => begun)).toBe(MAX_UNANSWERED);
    flood[Symbol.dispose]();
    expect(await atRest(door, () => begun)).toBe(MAX_UNANSWERED);
  });

  test("may have many watches that have nothing to say yet, and calls beside them", async () => {
    const stage = new Stage();
    let watching = 0;
    const { promise: silence, resolve: end } = Promise.withResolvers<void>();
    stage.onWatch("silent", async function* () {
      watching += 1;
      await silence;
      yield KEEP_ALIVE;
    });
    const client = clientOf(await openDoor(stage));
    const watches = Array.from({ length: 3 * MAX_UNANSWERED }, () =>
      Array.fromAsync(client.watchTask({ taskId: "silent" })),
    );
    await client.getTask({ taskId: "beside" });
    await until(() => watching === watches.length);
    end();
    for (const updates of await Promise.all(watches)) expect(updates).toHaveLength(1);
  });

  test("has one message ready for a watch that is not read, so that the next one is the newest", async () => {
    const stage = new Stage();
    let made = 0;
    stage.onWatch("flood", async function* () {
      for (;;) {
        made += 1;
        yield KEEP_ALIVE;
      }
    });
    const door = await openDoor(stage);
    using flood = await RawConnection.open(door.port, "reading");
    void flood.send(HTTP2_UNREAD_START, ...watchCall(1));
    await until(() => made > 0);
    expect(await atRest(door, () => made)).toBe(1);
  });

  test("is ended when too much is left unread on it", async () => {
    const stage = new Stage();
    const all = Promise.withResolvers<void>();
    let begun = 0;
    stage.onWatch("flood", async function* () {
      begun += 1;
      if (begun === MAX_UNANSWERED) all.resolve();
      await all.promise;
      yield { update: { kind: { case: "snapshot", value: { id: "x".repeat(700_000) } } } };
    });
    const door = await openDoor(stage);
    using flood = await RawConnection.open(door.port, "reading");
    void flood.send(HTTP2_UNREAD_START, ...many(MAX_UNANSWERED, watchCall));
    await flood.closed;
    await stage.logged(({ reason }) => reason === "it left too much unread");
  });

  test("is told how many calls it may have at once", async () => {
    const door = await openDoor(new Stage());
    const session = connectHttp2(door.url);
    const [settings] = await once(session, "remoteSettings");
    expect(settings.maxConcurrentStreams).toBe(MAX_STREAMS);
    session.close();
  });
});
