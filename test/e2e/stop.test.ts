import { create } from "@bufbuild/protobuf";
import { expect } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "#gen/grpc/health/v1/health_pb.ts";
import { StateChangeSchema, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { openGate } from "#test/support/gate.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** Besides the shared worker's, a queue for each test with workers that it asks to leave. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,ignoring,hurried,suspects" });

test("services that are asked to stop while they start do so within seconds", async ({
  system,
}) => {
  const mains = ["services/gateway/main.ts", "services/worker/main.ts", "services/monitor/main.ts"];
  for (const main of [...mains, ...mains]) {
    await using service = system.spawn(main);
    // As soon as it listens for signals, with its first requests to the broker under way.
    await service.logged("broker is up");
    service.kill("SIGTERM");
    expect(await service.exited).toBe(0);
  }
});

test("a gateway that drains is red first, serves new calls meanwhile, then leaves", async () => {
  await using system = await System.start({ MILLRACE_DRAIN_MS: "3000" });
  const gateway = await system.gateway();
  using balancer = openGrpcClient({ address: gateway.address });
  const verdicts = balancer.of(Health).watch({})[Symbol.asyncIterator]();
  const verdict = async () => (await verdicts.next()).value?.status;
  expect(await verdict()).toBe(ServingStatus.SERVING);
  gateway.service.kill("SIGTERM");
  expect(await verdict()).toBe(ServingStatus.NOT_SERVING);

  const readyz = await fetch(`${gateway.url}/readyz`);
  expect(readyz.status).toBe(503);
  expect(await readyz.json()).toEqual({ ready: false, reasons: { process: "leaving" } });
  using newcomer = openGrpcClient({ address: gateway.address });
  expect(await newcomer.of(TaskService).listTaskTypes({})).toMatchObject({ taskTypes: [] });
  expect(gateway.service.hasExited).toBe(false);

  expect(await gateway.service.exited).toBe(0);
});

test("a second signal ends a gateway that drains at once", async ({ system }) => {
  await using gateway = await system.gateway({ MILLRACE_DRAIN_MS: "600000" });
  gateway.service.kill("SIGTERM");
  await gateway.service.logged("asked to stop by SIGTERM");
  gateway.service.kill("SIGTERM");
  expect(await gateway.service.exited).toBeNull();
});

test("a worker whose handler ignores its signal leaves all the same", async ({
  system,
  gateway,
}) => {
  const queue = "ignoring";
  await using gate = await openGate();
  await using worker = await system.worker({
    MILLRACE_QUEUES: queue,
    MILLRACE_LEAVE_GRACE_MS: "0",
  });
  const input = scriptOf({ gate: gate.url, deaf: true });
  await gateway.client.submitTask({ spec: { input, queue } });
  await gate.arrived();
  const askedAt = Date.now();
  worker.service.kill("SIGTERM");
  expect(await worker.service.exited).toBe(0);
  expect(Date.now() - askedAt).toBeLessThan(15_000);
});

test("a worker that leaves is red, and a second signal ends it at once, whatever it has to finish", async ({
  system,
  gateway,
}) => {
  const queue = "hurried";
  await using gate = await openGate();
  await using worker = await system.worker({ MILLRACE_QUEUES: queue });
  await gateway.client.submitTask({ spec: { input: scriptOf({ gate: gate.url }), queue } });
  await gate.arrived();
  worker.service.kill("SIGTERM");
  await worker.service.logged("worker leaves");
  const readyz = await fetch(`${worker.url}/readyz`);
  expect(await readyz.json()).toEqual({ ready: false, reasons: { process: "leaving" } });
  worker.service.kill("SIGTERM");
  // Ended by the signal, so without a code.
  expect(await worker.service.exited).toBeNull();
});

test("a worker that leaves hands back at once what it has not begun, such as a task that waits to be alone", async ({
  system,
  gateway,
}) => {
  const queue = "suspects";
  const patient = {
    MILLRACE_QUEUES: queue,
    MILLRACE_MAX_CRASHES: "2",
    MILLRACE_LEAVE_GRACE_MS: "600000",
  };
  await using gate = await openGate();
  await using worker = await system.worker(patient);
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url }), queue },
  });
  await gate.arrived();
  await using broker = await openTestBroker(system.nats.url, { queues: [queue] });
  await enqueueCrashed(broker, { taskId: "suspect", queue });
  await until(async () => {
    const sign = await broker.workers.lastSign(worker.id);
    return sign?.runningTaskIds.includes("suspect") ?? false;
  });

  await using other = await system.worker(patient);
  worker.service.kill("SIGTERM");
  expect(statesOf(await historyOf(gateway, "suspect"))).toEqual([
    "RUNNING 1",
    "RUNNING 2",
    "SUCCEEDED 2",
  ]);
  const { task: suspect } = await gateway.client.getTask({ taskId: "suspect" });
  expect(suspect).toMatchObject({ crashes: 1, workerId: other.id });
  // All the while, the leaving worker has finished what it had begun.
  gate.open();
  expect(statesOf(await historyOf(gateway, task?.id ?? ""))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  expect(await worker.service.exited).toBe(0);
});

/** A task whose first worker died of it, or beside it. */
async function enqueueCrashed(
  broker: Broker,
  { taskId, queue }: { taskId: string; queue: string },
): Promise<void> {
  const spec = create(TaskSpecSchema, { queue, input: scriptOf({}) });
  const fence = await broker.log.begin(taskId, spec);
  if (!fence) throw new Error(`${taskId} is there already`);
  const last = create(StateChangeSchema, {
    state: TaskState.RUNNING,
    attempt: 1,
    workerId: "worker-that-died",
  });
  const appended = await broker.log.append(fence, last);
  const stateSequence = BigInt(appended.kind === "stored" ? appended.sequence : 0);
  const specSequence = BigInt(fence.specSequence);
  await broker.queues.enqueue(
    create(WaitingTaskSchema, { taskId, spec, last, stateSequence, specSequence }),
  );
}
