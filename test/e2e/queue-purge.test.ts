import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf } from "#test/support/errors.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { ASKED, QUEUE, queueOf, submit, submitMany } from "#test/support/queues.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** A queue for each test, as it purges all that is in it. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,single,busy,retrying,unserved" });

test("a purge cancels what waits, with who and why, and leaves what runs alone", async ({
  system,
  gateway,
}) => {
  const queue = "single";
  await using _worker = await system.worker({
    MILLRACE_QUEUES: queue,
    MILLRACE_WORKER_CONCURRENCY: "1",
  });
  await using gate = await openGate();
  await submit(gateway, "runs", { gate: gate.url }, queue);
  await gate.arrived();
  const ids = await submitMany(gateway, 1_000, {}, queue);

  const refused = await errorOf(gateway.queues.purgeQueue({ queue, confirmCount: 999n }));
  expect(refused.code).toBe(Code.FailedPrecondition);
  expect(refused.rawMessage).toContain("tasks waiting in the queue single: 1000");
  expect(refused.findDetails(ErrorInfoSchema)[0]).toMatchObject({
    reason: "COUNT_NOT_CONFIRMED",
    metadata: { queue, waiting: "1000" },
  });
  expect(await queueOf(gateway, queue)).toMatchObject({ waiting: 1_000n });

  const purge = { queue, confirmCount: 1_000n, ...ASKED };
  expect(await gateway.queues.purgeQueue(purge)).toMatchObject({ canceled: 1_000n });
  expect(await queueOf(gateway, queue)).toMatchObject({ waiting: 0n, inFlight: 1n });
  const { task } = await gateway.client.getTask({ taskId: "single-7" });
  expect(task).toMatchObject({
    state: TaskState.CANCELED,
    cancelReason: "maintenance",
    canceledBy: "ada",
  });
  expect(await gateway.queues.purgeQueue(purge)).toMatchObject({ canceled: 0n });
  gate.open();
  expect(statesOf(await historyOf(gateway, "runs"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [...ids, "runs"]);
});

test("a purge that meets workers cancels each task or lets it run, never both", async ({
  system,
  gateway,
}) => {
  const queue = "busy";
  await using _worker = await system.worker({
    MILLRACE_QUEUES: queue,
    MILLRACE_WORKER_CONCURRENCY: "20",
  });
  await gateway.queues.pauseQueue({ queue });
  const ids = await submitMany(gateway, 500, {}, queue);
  const [{ canceled }] = await Promise.all([
    gateway.queues.purgeQueue({ queue, confirmCount: 500n }),
    gateway.queues.resumeQueue({ queue }),
  ]);
  await until(async () => (await queueOf(gateway, queue))?.bytes === 0n);
  const log = await checkLedger(system.nats.url, ids);
  const ends = ids.map((id) => statesOf(log.get(id) ?? []).at(-1));
  expect(ends.filter((end) => end === "CANCELED 0")).toHaveLength(Number(canceled));
  expect(ends.filter((end) => end === "SUCCEEDED 1")).toHaveLength(500 - Number(canceled));
});

test("a retry that waits in the queue is canceled by a purge, one that is not due yet is not", async ({
  system,
  gateway,
}) => {
  const queue = "retrying";
  await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
  const retryPolicy = { maxAttempts: 3, initialBackoff: { seconds: 600n } };
  const input = scriptOf({ failures: 1 });
  await gateway.client.submitTask({ taskId: "later", spec: { input, queue, retryPolicy } });
  const stateOf = async (taskId: string) => (await gateway.client.getTask({ taskId })).task?.state;
  await until(async () => (await stateOf("later")) === TaskState.RETRYING);
  await using gate = await openGate();
  await submit(gateway, "due", { gate: gate.url, failures: 1 }, queue);
  await gate.arrived();
  await gateway.queues.pauseQueue({ queue });
  gate.open();
  await until(async () => (await queueOf(gateway, queue))?.waiting === 1n);

  expect(await gateway.queues.purgeQueue({ queue, confirmCount: 5n })).toMatchObject({
    canceled: 1n,
  });
  expect(await stateOf("due")).toBe(TaskState.CANCELED);
  expect(await stateOf("later")).toBe(TaskState.RETRYING);
});

test("a purge that runs out of time has canceled some tasks and harmed none", async ({
  system,
  gateway,
}) => {
  const queue = "unserved";
  const ids = await submitMany(gateway, 1_000, {}, queue);
  const purge = { queue, confirmCount: 1_000n };
  const late = await errorOf(gateway.queues.purgeQueue(purge, { timeoutMs: 100 }));
  expect(late.code).toBe(Code.DeadlineExceeded);
  const rest = await gateway.queues.purgeQueue(purge);
  expect(Number(rest.canceled)).toBeGreaterThan(0);
  await until(async () => (await queueOf(gateway, queue))?.bytes === 0n);
  const log = await checkLedger(system.nats.url, ids);
  expect(ids.map((id) => statesOf(log.get(id) ?? []))).toEqual(ids.map(() => ["CANCELED 0"]));
});

test("a purge cancels a task that was started again", async ({ system, gateway }) => {
  await submit(gateway, "again", { permanent: "NO" });
  await historyOf(gateway, "again");
  await gateway.queues.pauseQueue({ queue: QUEUE });
  await gateway.client.retryTask({ taskId: "again" });
  expect(await gateway.queues.purgeQueue({ queue: QUEUE, confirmCount: 1n })).toMatchObject({
    canceled: 1n,
  });
  const states = statesOf((await readLog(system.nats.url)).get("again") ?? []);
  expect(states).toEqual(["RUNNING 1", "FAILED 1", "QUEUED 1", "CANCELED 1"]);
});
