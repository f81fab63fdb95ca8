import { rm } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "#gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { until } from "#test/support/until.ts";
import { WatchedSystem } from "./watched-system.ts";

test("while the broker is away the monitor says so, and what it knew; then it goes on", async () => {
  await using system = await WatchedSystem.start();
  const fence = await system.run("task", [TaskState.RUNNING]);
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  await until(async () => (await monitor.readiness()).ready);

  await system.nats.kill("SIGKILL");
  const away = await monitor.shows(({ upToDate }) => !upToDate);
  expect(away.tasks).toMatchObject({ running: 1n });
  expect(away.queues).toMatchObject([{ name: "default" }]);
  await until(async () => {
    const { reasons } = await monitor.readiness();
    return reasons["broker"] === "away" && "log" in reasons;
  });

  await system.nats.restart();
  await system.broker.link.whenUp(AbortSignal.timeout(30_000));
  await system.move(fence, TaskState.SUCCEEDED);
  const back = await monitor.shows(({ upToDate, tasks }) => upToDate && tasks?.succeeded === 1n);
  expect(back.tasks).toMatchObject({ running: 0n });
  await until(async () => (await monitor.readiness()).ready);
});

test("a broker that lost its log makes the monitor start over", async () => {
  await using system = await WatchedSystem.start();
  await system.run("lost", [TaskState.RUNNING, TaskState.SUCCEEDED]);
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  await system.nats.kill("SIGKILL");
  await rm(system.nats.storeDir, { recursive: true });
  await system.nats.restart();
  await system.broker.link.whenUp(AbortSignal.timeout(30_000));
  const { tasks, workers } = await monitor.shows(
    ({ upToDate, sequence }) => upToDate && sequence === 0n,
  );
  expect(tasks).toMatchObject({ succeeded: 0n });
  expect(workers).toEqual([]);
  await system.accept("new");
  await monitor.shows((overview) => overview.tasks?.queued === 1n);
});

test("health is served for it on both doors, and reflection tells of it", async () => {
  await using system = await WatchedSystem.start();
  const monitor = await system.monitor();
  await until(async () => (await monitor.readiness()).ready);
  using grpc = openGrpcClient({ address: monitor.address });
  const connect = createConnectTransport({ baseUrl: monitor.url, httpVersion: "1.1" });
  for (const health of [grpc.of(Health), createClient(Health, connect)]) {
    const answer = await health.check({ service: MonitorService.typeName });
    expect(answer.status).toBe(Status.SERVING);
  }
  const question = { messageRequest: { case: "listServices" as const, value: "" } };
  const answers = grpc.of(ServerReflection).serverReflectionInfo(once(question));
  const { value } = await answers[Symbol.asyncIterator]().next();
  expect(value?.messageResponse).toMatchObject({
    case: "listServicesResponse",
    value: {
      service: expect.arrayContaining([expect.objectContaining({ name: MonitorService.typeName })]),
    },
  });
});

async function* once<T>(item: T): AsyncGenerator<T> {
  yield item;
}
