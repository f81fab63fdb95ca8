import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "#gen/grpc/health/v1/health_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("while the broker is away every service says so, and within 5 s of its return all work again", async () => {
  await using system = await System.start();
  const { gateway, worker } = await system.running();
  using connection = openGrpcClient({ address: gateway.address });
  const health = connection.of(Health);
  const isReady = async (url: string) => (await fetch(`${url}/readyz`)).ok;
  expect(await health.check({})).toMatchObject({ status: Status.SERVING });

  await system.nats.kill("SIGKILL");
  await until(async () => !(await isReady(gateway.url)) && !(await isReady(worker.url)));
  expect(await health.check({})).toMatchObject({ status: Status.NOT_SERVING });
  const askedAt = Date.now();
  const refused = await gateway.client
    .submitTask({ taskId: "while-away", spec: { input: scriptOf({}) } })
    .catch((error: unknown) => ConnectError.from(error));
  expect(refused).toMatchObject({ code: Code.Unavailable });
  expect((refused as ConnectError).findDetails(RetryInfoSchema)).toHaveLength(1);
  expect(Date.now() - askedAt).toBeLessThan(1_000);

  await system.nats.restart();
  const backAt = Date.now();
  await until(async () => (await isReady(gateway.url)) && (await isReady(worker.url)));
  const { task } = await gateway.client.submitTask({
    taskId: "while-away",
    spec: { input: scriptOf({}) },
  });
  const { events } = await watchPatiently(() => [gateway], task?.id ?? "");
  expect(Date.now() - backAt).toBeLessThan(5_000);
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  expect(await health.check({})).toMatchObject({ status: Status.SERVING });
  await checkLedger(system.nats.url, [task?.id ?? ""]);
});

test("a broker that freezes is found out, and what it had is finished when it thaws", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ steps: 1, gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  await gate.arrived();
  const isReady = async (url: string) => (await fetch(`${url}/readyz`)).ok;

  await system.nats.pause();
  await until(async () => !(await isReady(gateway.url)) && !(await isReady(worker.url)));
  const refused = await gateway.client
    .getTask({ taskId })
    .catch((error: unknown) => ConnectError.from(error));
  expect(refused).toMatchObject({ code: Code.Unavailable });
  gate.open();
  system.nats.resume();
  const backAt = Date.now();
  await until(async () => (await isReady(gateway.url)) && (await isReady(worker.url)));
  expect(Date.now() - backAt).toBeLessThan(5_000);

  const { events } = await watchPatiently(() => [gateway], taskId);
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [taskId]);
});
