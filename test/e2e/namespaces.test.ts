import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { test as base, expect } from "vitest";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type Gate, openGate } from "#test/support/gate.ts";
import { startTestNats } from "#test/support/nats.ts";
import { ASKED, queueOf, submit } from "#test/support/queues.ts";
import { throwIfExited } from "#test/support/shared-system.ts";
import { type Gateway, historyOf, System, stateOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const NAMES = ["", "staging", "production"] as const;
const NEW_ENVIRONMENT = "this environment had no log in NATS, and has a new one now";
const NOT_OURS = { async [Symbol.asyncDispose]() {} };

/** The environment of a namespace, on a nats-server that all share; each has a queue that the others don't. */
async function open(url: string, name: string) {
  const queues = `default,paused,${name || "unnamed"}`;
  const env = { MILLRACE_NAMESPACE: name, MILLRACE_QUEUES: queues };
  const system = System.on({ url, ...NOT_OURS }, env);
  const { gateway, worker } = await system.running();
  const { url: page } = await system.monitor();
  const transport = createConnectTransport({ baseUrl: page, httpVersion: "1.1" });
  const monitor = createClient(MonitorService, transport);
  return { name, queues, system, gateway, worker, monitor };
}

const test = base
  .extend("options", { scope: "file" }, {})
  .extend("nats", { scope: "file" }, async ({ options }, { onCleanup }) => {
    const nats = await startTestNats(options);
    onCleanup(() => nats[Symbol.asyncDispose]());
    return nats;
  })
  .extend("all", { scope: "file" }, async ({ nats }, { onCleanup }) => {
    const opened = await Promise.all(NAMES.map((name) => open(nats.url, name)));
    onCleanup(async () => {
      for (const { gateway, worker } of opened) {
        throwIfExited(gateway.service);
        throwIfExited(worker.service);
      }
      await Promise.all(opened.map(({ system }) => system[Symbol.asyncDispose]()));
    });
    return opened;
  })
  .extend("staging", { scope: "file" }, ({ all }) => of(all, "staging"))
  .extend("others", { scope: "file" }, ({ all }) => all.filter(({ name }) => name !== "staging"));

type Environment = Awaited<ReturnType<typeof open>>;

function of(all: readonly Environment[], wanted: string): Environment {
  return all.find(({ name }) => name === wanted) ?? expect.unreachable();
}

async function stateIn({ client }: Gateway, taskId: string): Promise<TaskState | undefined> {
  return (await client.getTask({ taskId })).task?.state;
}

/** Submits a task of the same id in each environment, and waits until all of them run. */
async function runEverywhere(all: readonly Environment[], taskId: string, gate: Gate) {
  for (const { gateway } of all) {
    await submit(gateway, taskId, { gate: gate.url });
    await gate.arrived();
  }
}

test("a task of the same id runs once in each environment, at its own worker", async ({ all }) => {
  for (const { gateway } of all) await submit(gateway, "same", { steps: 2, failures: 1 });
  for (const { gateway, worker } of all) {
    const events = await historyOf(gateway, "same");
    expect(statesOf(events)).toEqual(["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"]);
    const workers = events.flatMap(({ facet }) =>
      facet.case === "state" && facet.value.state === TaskState.RUNNING
        ? [facet.value.workerId]
        : [],
    );
    expect(new Set(workers)).toEqual(new Set([worker.id]));
  }
});

test("a task that is canceled in one environment goes on in the others", async ({
  all,
  staging,
  others,
}) => {
  await using gate = await openGate();
  await runEverywhere(all, "canceled", gate);
  await staging.gateway.client.cancelTask({ taskId: "canceled" });
  const canceled = await historyOf(staging.gateway, "canceled");
  expect(stateOf(canceled.at(-1))).toBe(TaskState.CANCELED);
  await staging.worker.attemptEnded("canceled", "canceled");
  for (const { gateway } of others)
    expect(await stateIn(gateway, "canceled")).toBe(TaskState.RUNNING);
  gate.open();
  for (const { gateway } of others) {
    const events = await historyOf(gateway, "canceled");
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  }
});

test("a queue that is paused and limited in one environment is not in the others", async ({
  staging,
  others,
}) => {
  const queue = "paused";
  await staging.gateway.queues.pauseQueue({ queue, ...ASKED });
  await staging.gateway.queues.setQueueLimits({ queue, maxTasks: 7n });
  await submit(staging.gateway, "held", {}, queue);
  for (const { gateway } of others) {
    await submit(gateway, "held", {}, queue);
    expect(statesOf(await historyOf(gateway, "held"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    expect((await queueOf(gateway, queue))?.pause).toBeUndefined();
    expect(await queueOf(gateway, queue)).toMatchObject({ maxTasks: 1_000_000n });
  }
  expect(await stateIn(staging.gateway, "held")).toBe(TaskState.QUEUED);
  expect(await queueOf(staging.gateway, queue)).toMatchObject({ maxTasks: 7n, waiting: 1n });
  await staging.gateway.queues.resumeQueue({ queue });
  const resumed = await historyOf(staging.gateway, "held");
  expect(statesOf(resumed)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
});

test("queues and workers are listed per environment", async ({ all }) => {
  for (const { gateway, worker, monitor, queues } of all) {
    const listed = (await gateway.queues.listQueues({})).queues.map(({ name }) => name);
    expect(listed.toSorted()).toEqual(queues.split(",").toSorted());
    const workers = async () =>
      (await monitor.getOverview({})).overview?.workers.map((each) => each.worker?.id) ?? [];
    await until(async () => (await workers()).includes(worker.id));
    const elsewhere = all.map((each) => each.worker.id).filter((id) => id !== worker.id);
    for (const id of elsewhere) expect(await workers()).not.toContain(id);
  }
});

test("types are listed per environment", async ({ staging, others }) => {
  const typesIn = async ({ gateway }: Environment) =>
    (await gateway.client.listTaskTypes({})).taskTypes.map(({ name }) => name);
  const before = await typesIn(staging);
  await using _primes = await staging.system.worker({}, "test/support/primes-worker/main.ts");
  const PRIMES = "google.protobuf.Int32Value";
  await until(async () => (await typesIn(staging)).includes(PRIMES));
  for (const each of others) expect(await typesIn(each)).toEqual(before);
});

test("dead letters are listed per environment", async ({ staging, others }) => {
  await submit(staging.gateway, "dead", { permanent: "BAD" });
  await historyOf(staging.gateway, "dead");
  const deadIn = async ({ gateway }: Environment) =>
    (await gateway.client.listDeadLetters({})).tasks.map(({ id }) => id);
  expect(await deadIn(staging)).toEqual(["dead"]);
  for (const each of others) expect(await deadIn(each)).toEqual([]);
});

test("what is no task is parked in the environment where it was found", async ({
  nats,
  staging,
  others,
}) => {
  await using nc = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(nc);
  const subject = "mr-staging.queue.default.p2.garbage";
  await jsm.jetstream().publish(subject, Uint8Array.of(255, 254));
  const parkedIn = async ({ gateway }: Environment) =>
    (await gateway.queues.listParkedMessages({})).messages.map((message) => message.subject);
  await until(async () => (await parkedIn(staging)).length === 1);
  expect(await parkedIn(staging)).toEqual([subject]);
  for (const each of others) expect(await parkedIn(each)).toEqual([]);
});

test("a task that is deleted in one environment is left in the others", async ({
  all,
  staging,
  others,
}) => {
  for (const { gateway } of all) {
    await submit(gateway, "deleted");
    await historyOf(gateway, "deleted");
  }
  const { deleted } = await staging.gateway.client.deleteTask({ taskId: "deleted" });
  expect(deleted).toBe(true);
  await expect(stateIn(staging.gateway, "deleted")).rejects.toThrow("not_found");
  for (const { gateway } of others)
    expect(await stateIn(gateway, "deleted")).toBe(TaskState.SUCCEEDED);
});

test("each environment has its own janitor", async ({ all }) => {
  for (const { gateway } of all) {
    expect(await gateway.service.logged("leading")).toMatchObject({
      name: "gateway",
      chore: "janitor",
    });
  }
});

test("NATS has the streams of each environment, and of the one without a name those of releases that knew none", async ({
  nats,
  all,
}) => {
  expect(all).toHaveLength(NAMES.length);
  await using nc = await connect({ servers: nats.url });
  const names = await (await jetstreamManager(nc)).streams.names().next();
  const streams = (root: string, bucket: string, queue: string) => [
    ...["EVENTS", "PARKED", "SCHEDULE"].map((name) => `${root}_${name}`),
    ...["default", "paused", queue].map((name) => `${root}_QUEUE_${name}`),
    ...["config", "cursors", "leases", "workers"].map((name) => `KV_${bucket}_${name}`),
  ];
  const wanted = [
    ...streams("MR", "mr", "unnamed"),
    ...streams("MR-staging", "mr-staging", "staging"),
    ...streams("MR-production", "mr-production", "production"),
  ];
  expect(names.toSorted()).toEqual(wanted.toSorted());
});

test("a service whose namespace is misspelled says that it begins a new environment, and what others there are", async ({
  nats,
  all,
}) => {
  const misspelled = { MILLRACE_NAMESPACE: "stagin" };
  await using first = System.on({ url: nats.url, ...NOT_OURS }, misspelled);
  const { service } = await first.gateway();
  const others = all.map(({ name }) => name).sort();
  expect(await service.logged(NEW_ENVIRONMENT)).toMatchObject({ others });

  await using second = System.on({ url: nats.url, ...NOT_OURS }, misspelled);
  const { service: next } = await second.gateway();
  expect(next.entries.filter(({ msg }) => msg === NEW_ENVIRONMENT)).toEqual([]);
});
