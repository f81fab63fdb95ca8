import { Code } from "@connectrpc/connect";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { openGate } from "#test/support/gate.ts";
import { QUEUE, queueOf, submit } from "#test/support/queues.ts";
import { historyOf, System } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("a queue is listed as it stands: what waits and since when, what runs, how fast, and its limits", async () => {
  await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "1" });
  const { gateway } = await system.running();
  await using gate = await openGate();
  expect(await queueOf(gateway)).toMatchObject({ waiting: 0n, inFlight: 0n, maxTasks: 1_000_000n });
  expect(await queueOf(gateway)).not.toHaveProperty("oldestWaitingAge");

  await submit(gateway, "runs", { gate: gate.url });
  await gate.arrived();
  await submit(gateway, "waits");
  const queue = await queueOf(gateway);
  expect(queue).toMatchObject({ waiting: 1n, inFlight: 1n });
  expect(Number(queue?.bytes)).toBeGreaterThan(100);
  expect(Number(queue?.oldestWaitingAge?.seconds)).toBeLessThan(10);
  expect(queue?.rates?.enqueuedPerSecond).toBeGreaterThan(0);
  gate.open();
  await historyOf(gateway, "waits");
  await until(async () => ((await queueOf(gateway))?.rates?.settledPerSecond ?? 0) > 0);
});

test("limits that an operator has set outlive gateways that are configured otherwise", async () => {
  await using system = await System.start();
  const gateway = await system.gateway();
  const limits = { queue: QUEUE, maxTasks: 2n, maxBytes: 2n ** 20n };
  const set = await gateway.queues.setQueueLimits(limits);
  expect(set.queue).toMatchObject({ maxTasks: 2n, maxBytes: 2n ** 20n });
  await gateway[Symbol.asyncDispose]();

  const worker = await system.worker({ MILLRACE_QUEUE_MAX_TASKS: "50" });
  const next = await system.gateway({ MILLRACE_QUEUE_MAX_TASKS: "70" });
  expect(await queueOf(next)).toMatchObject({ maxTasks: 2n, maxBytes: 2n ** 20n });
  const unset = await next.queues.setQueueLimits({ queue: QUEUE, maxTasks: 0n });
  expect(unset.queue).toMatchObject({ maxTasks: 70n, maxBytes: 2n ** 20n });
  await worker[Symbol.asyncDispose]();
});

test("wrong requests are refused with what is wrong", async () => {
  await using system = await System.start({ MILLRACE_QUEUES: "default,slow" });
  const { queues } = await system.gateway();
  const unknown = await errorOf(queues.pauseQueue({ queue: "fast" }));
  expect(unknown.code).toBe(Code.NotFound);
  expect(unknown.rawMessage).toBe('there is no queue "fast"; there are: default, slow');
  const errors = await Promise.all([
    errorOf(queues.resumeQueue({ queue: "fast" })),
    errorOf(queues.setQueueLimits({ queue: "fast" })),
    errorOf(queues.purgeQueue({ queue: "fast", confirmCount: 1n })),
  ]);
  for (const { code } of errors) expect(code).toBe(Code.NotFound);
  const faults = async (call: Promise<unknown>) => violationsOf(await errorOf(call));
  expect(await faults(queues.pauseQueue({}))).toEqual(["queue"]);
  expect(await faults(queues.pauseQueue({ queue: QUEUE, reason: "x".repeat(513) }))).toEqual([
    "reason",
  ]);
  expect(await faults(queues.purgeQueue({ queue: QUEUE }))).toEqual(["confirm_count"]);
  expect(await faults(queues.setQueueLimits({ queue: QUEUE, maxTasks: -1n }))).toEqual([
    "max_tasks",
  ]);
  for (const maxBytes of [-1n, 5n, 2n ** 20n - 1n, 2n ** 46n]) {
    const fault = await faults(queues.setQueueLimits({ queue: QUEUE, maxBytes }));
    expect(fault).toEqual(["max_bytes"]);
  }
  expect(await faults(queues.deleteParkedMessages({}))).toEqual(["sequences"]);
  expect(await faults(queues.listParkedMessages({ pageSize: 1_001 }))).toEqual(["page_size"]);
  expect((await queues.listQueues({})).queues.map(({ name }) => name)).toEqual(["default", "slow"]);

  await system.nats.kill("SIGKILL");
  await until(async () => (await errorOf(queues.listQueues({}))).code === Code.Unavailable);
  expect((await errorOf(queues.pauseQueue({ queue: QUEUE }))).code).toBe(Code.Unavailable);
});

test("what was deleted by hand in NATS is put back by whoever asks for it first", async () => {
  await using system = await System.start();
  const { queues } = await system.gateway();
  const nc = await connect({ servers: system.nats.url });
  const { streams } = await jetstreamManager(nc);
  await streams.delete("MR_QUEUE_default");
  expect((await queues.listQueues({})).queues).toMatchObject([{ name: QUEUE, waiting: 0n }]);
  await streams.delete("MR_QUEUE_default");
  expect(await queues.purgeQueue({ queue: QUEUE, confirmCount: 1n })).toMatchObject({
    canceled: 0n,
  });
  await streams.delete("MR_PARKED");
  expect(await queues.listParkedMessages({})).toMatchObject({ messages: [], total: 0n });
  await nc.close();
});
