import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "#gen/grpc/health/v1/health_pb.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { type GrpcClient, openGrpcClient } from "#lib/rpc/client.ts";
import type { Door } from "#lib/rpc/door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { withHealth } from "#lib/rpc/health.ts";
import { errorOf } from "./scene.ts";
import { Stage } from "./stage.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;

describe("health", () => {
  const stage = new Stage();
  const readiness = new Readiness(["broker"]);
  let door: Door;
  let client: GrpcClient;

  beforeAll(async () => {
    door = await openGrpcDoor({
      ...stage.options,
      services: withHealth(stage.services, readiness),
    });
    client = openGrpcClient(door);
  });
  afterAll(async () => {
    client.close();
    await door.leave();
  });
  beforeEach(() => readiness.green("broker"));

  test("every service is as ready as the process", async () => {
    for (const service of ["", "millrace.v1.TaskService"]) {
      readiness.green("broker");
      expect(await client.of(Health).check({ service })).toMatchObject({ status: SERVING });
      readiness.red("broker", "away");
      expect(await client.of(Health).check({ service })).toMatchObject({ status: NOT_SERVING });
    }
  });

  test("lists them", async () => {
    const { statuses } = await client.of(Health).list({});
    expect(statuses).toMatchObject({
      "": { status: SERVING },
      "millrace.v1.TaskService": { status: SERVING },
    });
  });

  test("a service that is not here is NOT_FOUND", async () => {
    const error = await errorOf(client.of(Health).check({ service: "a.B" }));
    expect(error.code).toBe(Code.NotFound);
  });

  test("a watcher hears of every change at once", async () => {
    const hangUp = new AbortController();
    const watch = client.of(Health).watch({}, hangUp)[Symbol.asyncIterator]();
    const next = async () => (await watch.next()).value?.status;
    expect(await next()).toBe(SERVING);
    readiness.red("broker", "away");
    expect(await next()).toBe(NOT_SERVING);
    readiness.green("broker");
    expect(await next()).toBe(SERVING);
    hangUp.abort();
    expect((await errorOf(next())).code).toBe(Code.Canceled);
  });

  test("a watcher of a service that is not here is told so, and may wait for it", async () => {
    const hangUp = new AbortController();
    const watching = (async () => {
      for await (const { status } of client.of(Health).watch({ service: "a.B" }, hangUp)) {
        expect(status).toBe(SERVICE_UNKNOWN);
        hangUp.abort();
      }
    })();
    expect((await errorOf(watching)).code).toBe(Code.Canceled);
  });
});
