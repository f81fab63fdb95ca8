import { isDeepStrictEqual } from "node:util";
import { durationFromMs, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "vitest";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { type WaitingReason, WaitingReason_Reason } from "#gen/millrace/v1/task_pb.ts";
import type { TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import { openGate } from "#test/support/gate.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { ASKED, queueOf, submit } from "#test/support/queues.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  System,
  scriptOf,
  statesOf,
} from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { runCli, startCli } from "./cli/cli-process.ts";

const { NO_WORKER, QUEUE_PAUSED, QUEUE_FULL, SLOTS_BUSY, START_TIME, RETRY_TIME } =
  WaitingReason_Reason;
const TYPE = "google.protobuf.Struct";
const SPEC = { input: scriptOf({}), queue: "default" };
const ONE_SLOT = { MILLRACE_WORKER_CONCURRENCY: "1" };

/** A queue for each test that needs one of its own. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,paused,full,busy,unserved" });

async function reasonOf({ client }: Gateway, taskId: string): Promise<WaitingReason | undefined> {
  return (await client.getTask({ taskId })).task?.waitingReason;
}

/** Waits until the task waits for that. */
async function waitsFor(gateway: Gateway, taskId: string, reason: WaitingReason_Reason) {
  await until(async () => (await reasonOf(gateway, taskId))?.reason === reason);
  return reasonOf(gateway, taskId);
}

/** The first message of a watch. */
async function firstUpdate({ client }: Gateway, taskId: string): Promise<TaskUpdate | undefined> {
  for await (const { update } of client.watchTask({ taskId })) return update;
  return undefined;
}

test("a task whose worker has left says everywhere that none serves its type, and when one was last seen", async () => {
  await using own = await System.start();
  const { gateway, worker } = await own.running();
  await worker[Symbol.asyncDispose]();
  await submit(gateway, "left");
  const reason = await waitsFor(gateway, "left", NO_WORKER);
  expect(reason?.description).toMatch(`no live worker serves ${TYPE}; last seen `);
  const seenMs = reason?.lastSeenTime ? timestampMs(reason.lastSeenTime) : 0;
  expect(Math.abs(Date.now() - seenMs)).toBeLessThan(60_000);
  const { kind } = (await firstUpdate(gateway, "left")) ?? {};
  expect(kind?.case === "snapshot" && kind.value.waitingReason?.reason).toBe(NO_WORKER);
  for await (const { kind: many } of gateway.client.watchTasks({ tasks: [{ taskId: "left" }] })) {
    const update = many.case === "update" ? many.value.kind : undefined;
    expect(update?.case === "snapshot" && update.value.waitingReason?.reason).toBe(NO_WORKER);
    break;
  }
  const { task } = await gateway.client.submitTask({ taskId: "left", spec: SPEC });
  expect(task?.waitingReason?.reason).toBe(NO_WORKER);

  const server = ["--server", gateway.address];
  expect((await runCli([...server, "get", "left"])).stdout).toContain(
    `waits        no live worker serves ${TYPE}; last seen `,
  );
  const submitted = await runCli([...server, "submit", "test.scripted", "--id", "next"]);
  expect(submitted).toMatchObject({ code: 0, stdout: "next\n" });
  expect(submitted.stderr).toContain(`waits: no live worker serves ${TYPE}; last seen `);
  expect((await runCli([...server, "types", "test.scripted"])).stdout).toContain(
    "workers none serves it, last seen ",
  );
  const watching = startCli([...server, "watch", "left"]);
  await watching.until("stderr", `waits: no live worker serves ${TYPE}; last seen `);
  await watching[Symbol.asyncDispose]();

  // It is told of what waits now: a worker that comes takes it.
  await using _next = await own.worker();
  await historyOf(gateway, "left");
  expect(await reasonOf(gateway, "left")).toBeUndefined();
});

test("tasks that no live worker serves are counted alike by the queues, the metrics and the monitor", async () => {
  await using own = await System.start();
  const { gateway, worker } = await own.running();
  await worker[Symbol.asyncDispose]();
  for (const id of ["one", "two"]) await submit(gateway, id);
  await waitsFor(gateway, "one", NO_WORKER);
  const queue = await queueOf(gateway);
  expect(queue).toMatchObject({
    waiting: 2n,
    unserved: 2n,
    types: [{ name: TYPE, waiting: 2n, unserved: true }],
  });
  expect(queue?.types[0]?.lastSeenTime).toBeDefined();
  expect(queue?.types[0]?.oldestWaitingAge).toEqual(queue?.oldestWaitingAge);
  const { stdout } = await runCli(["--server", gateway.address, "queues"]);
  expect(stdout).toContain(`default: no live worker serves 2 tasks of ${TYPE}; last seen `);

  const row = (name: string) => ({ name, labels: { queue: "default", type: TYPE }, value: 2 });
  const tells = (from: string, name: string) =>
    until(async () => {
      const { samples } = await metricsOf(from);
      return samples.some((sample) => isDeepStrictEqual(sample, row(name)));
    });
  await tells(gateway.url, "millrace_gateway_unserved_tasks");
  const { url } = await own.monitor();
  await tells(url, "millrace_queue_unserved_tasks");
  const monitor = createClient(MonitorService, transportTo(url));
  const { overview } = await monitor.getOverview({});
  expect(overview?.queues).toMatchObject([
    { depth: 2n, unserved: 2n, types: [{ name: TYPE, waiting: 2n, unserved: true }] },
  ]);
  const agesMs = [overview?.queues[0], await queueOf(gateway)].map((each) =>
    each?.oldestWaitingAge ? durationMs(each.oldestWaitingAge) : Number.NaN,
  );
  expect(Math.abs((agesMs[0] ?? 0) - (agesMs[1] ?? 0))).toBeLessThan(5_000);

  await using _next = await own.worker();
  await historyOf(gateway, "two");
  expect(await queueOf(gateway)).toMatchObject({ unserved: 0n });
});

test("what a worker was given that was killed is served by none, nor what it gave back for want of a slot", async () => {
  await using own = await System.start(ONE_SLOT);
  const { gateway, worker } = await own.running();
  // Now it waits at this type's lane, and still does when its slot is taken.
  const isolated = { input: isolatedScriptOf({}) };
  await gateway.client.submitTask({ taskId: "first", spec: isolated });
  await historyOf(gateway, "first");
  await submit(gateway, "runs", { steps: 1, idleMs: 60_000 });
  await until(async () => (await queueOf(gateway))?.inFlight === 1n);
  await gateway.client.submitTask({ taskId: "given-back", spec: isolated });
  await until(async () => (await queueOf(gateway))?.inFlight === 2n);
  worker.service.kill("SIGKILL");
  await until(async () => (await queueOf(gateway))?.unserved === 2n);
  const reason = await waitsFor(gateway, "runs", NO_WORKER);
  expect(reason?.description).toMatch(`no live worker serves ${TYPE}; last seen `);
  const queue = await queueOf(gateway);
  expect(queue?.oldestWaitingAge).toBeDefined();
  expect(queue).toMatchObject({
    waiting: 2n,
    inFlight: 0n,
    types: [
      { name: TYPE, waiting: 1n, inFlight: 0n, unserved: true },
      { name: "google.protobuf.Value", waiting: 1n, inFlight: 0n, unserved: true },
    ],
  });
  const { url } = await own.monitor();
  await until(async () => {
    const metrics = await metricsOf(url);
    const [depth, inFlight, seconds = 0] = [
      sampleOf(metrics, "millrace_queue_depth"),
      sampleOf(metrics, "millrace_queue_in_flight"),
      sampleOf(metrics, "millrace_queue_oldest_waiting_seconds"),
    ];
    return depth === 2 && inFlight === 0 && seconds > 0;
  });
});

function transportTo(baseUrl: string) {
  return createConnectTransport({ baseUrl, httpVersion: "1.1" });
}

test("a task in a queue from which no worker takes its type says so", async ({ gateway }) => {
  await submit(gateway, "unserved", {}, "unserved");
  const reason = await waitsFor(gateway, "unserved", NO_WORKER);
  expect(reason?.description).toBe(`no live worker serves ${TYPE} from queue unserved`);
  const { stdout } = await runCli(["--server", gateway.address, "queues"]);
  expect(stdout).toContain(
    `unserved: no live worker serves 1 task of ${TYPE} from this queue; live ones serve other queues`,
  );
});

test("a silent watch of a task that waits says why with every sign of life", async ({
  gateway,
}) => {
  const queue = "unserved";
  await submit(gateway, "silent", {}, queue);
  for await (const { update } of gateway.client.watchTask({ taskId: "silent" })) {
    if (update?.kind.case !== "keepAlive") continue;
    expect(update.kind.value.waitingReason?.reason).toBe(NO_WORKER);
    return;
  }
  expect.unreachable("expected a sign of life");
});

test("a paused queue is why a task waits, and no longer when it is resumed", async ({
  system,
  gateway,
}) => {
  const queue = "paused";
  await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
  await gateway.queues.pauseQueue({ queue, ...ASKED });
  await submit(gateway, "paused", {}, queue);
  const reason = await waitsFor(gateway, "paused", QUEUE_PAUSED);
  expect(reason?.description).toBe("queue paused is paused by ada: maintenance");
  await gateway.queues.resumeQueue({ queue });
  expect(statesOf(await historyOf(gateway, "paused"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  expect(await reasonOf(gateway, "paused")).toBeUndefined();
});

test("a delayed task waits for its start time, as its submit says", async ({ gateway }) => {
  const spec = {
    input: scriptOf({}),
    start: { case: "delay", value: durationFromMs(3_600_000) } as const,
  };
  const { task } = await gateway.client.submitTask({ taskId: "delayed", spec });
  expect(task?.waitingReason?.reason).toBe(START_TIME);
  const reason = await reasonOf(gateway, "delayed");
  expect(reason).toMatchObject({ reason: START_TIME, until: task?.nextAttemptTime });
  await using watching = startCli(["--server", gateway.address, "watch", "delayed", "--json"]);
  await watching.until("stderr", `waits: ${reason?.description}\n`);
  await gateway.client.cancelTask({ taskId: "delayed" });
  expect(await reasonOf(gateway, "delayed")).toBeUndefined();
});

test("a task that failed once waits for the time of its next attempt", async ({ gateway }) => {
  await gateway.client.submitTask({
    taskId: "retries",
    spec: {
      input: scriptOf({ failures: 1 }),
      retryPolicy: { maxAttempts: 2, initialBackoff: durationFromMs(3_600_000) },
    },
  });
  const reason = await waitsFor(gateway, "retries", RETRY_TIME);
  expect(reason?.description).toMatch(/^attempt 2 starts at \d{4}-/);
  expect(reason?.until && timestampMs(reason.until)).toBeGreaterThan(Date.now());
});

test("a task behind a busy worker waits for a slot", async ({ system, gateway }) => {
  const queue = "busy";
  await using _worker = await system.worker({ ...ONE_SLOT, MILLRACE_QUEUES: queue });
  await using gate = await openGate();
  await submit(gateway, "first", { gate: gate.url }, queue);
  await gate.arrived();
  await submit(gateway, "second", {}, queue);
  const reason = await waitsFor(gateway, "second", SLOTS_BUSY);
  expect(reason?.description).toBe("the worker that serves it is busy (1 of 1 slots)");
  gate.open();
  await historyOf(gateway, "second");
});

test("a task that is started again in a full queue waits for a place", async ({
  system,
  gateway,
}) => {
  const queue = "full";
  await using _worker = await system.worker({ ...ONE_SLOT, MILLRACE_QUEUES: queue });
  await using gate = await openGate();
  await submit(gateway, "again", { permanent: "NO" }, queue);
  await historyOf(gateway, "again");
  await submit(gateway, "runs", { gate: gate.url }, queue);
  await gate.arrived();
  await gateway.queues.setQueueLimits({ queue, maxTasks: 1n });
  await gateway.client.retryTask({ taskId: "again" });
  const reason = await waitsFor(gateway, "again", QUEUE_FULL);
  expect(reason?.description).toBe("queue full is full; it gets a place when there is one");
  gate.open();
  expect(statesOf(await historyOf(gateway, "again")).at(-1)).toBe("FAILED 2");
});
