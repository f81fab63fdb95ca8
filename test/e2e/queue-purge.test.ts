import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf } from "#test/support/errors.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { ASKED, QUEUE, queueOf, submit, submitMany } from "#test/support/queues.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("a purge cancels what waits, with who and why, and leaves what runs alone", async () => {
  await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "1" });
  const { gateway } = await system.running();
  await using gate = await openGate();
  await submit(gateway, "runs", { gate: gate.url });
  await gate.arrived();
  const ids = await submitMany(gateway, 1_000);

  const refused = await errorOf(gateway.queues.purgeQueue({ queue: QUEUE, confirmCount: 999n }));
  expect(refused.code).toBe(Code.FailedPrecondition);
  expect(refused.rawMessage).toContain("tasks waiting in the queue default: 1000");
  expect(refused.findDetails(ErrorInfoSchema)[0]).toMatchObject({
    reason: "COUNT_NOT_CONFIRMED",
    metadata: { queue: QUEUE, waiting: "1000" },
  });
  expect(await queueOf(gateway)).toMatchObject({ waiting: 1_000n });

  const purge = { queue: QUEUE, confirmCount: 1_000n, ...ASKED };
  expect(await gateway.queues.purgeQueue(purge)).toMatchObject({ canceled: 1_000n });
  expect(await queueOf(gateway)).toMatchObject({ waiting: 0n, inFlight: 1n });
  const { task } = await gateway.client.getTask({ taskId: "task-7" });
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

test("a purge that meets workers cancels each task or lets it run, never both", async () => {
  await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "20" });
  const { gateway } = await system.running();
  await gateway.queues.pauseQueue({ queue: QUEUE });
  const ids = await submitMany(gateway, 500);
  const [{ canceled }] = await Promise.all([
    gateway.queues.purgeQueue({ queue: QUEUE, confirmCount: 500n }),
    gateway.queues.resumeQueue({ queue: QUEUE }),
  ]);
  await until(async () => (await queueOf(gateway))?.bytes === 0n);
  const log = await checkLedger(system.nats.url, ids);
  const ends = ids.map((id) => statesOf(log.get(id) ?? []).at(-1));
  expect(ends.filter((end) => end === "CANCELED 0")).toHaveLength(Number(canceled));
  expect(ends.filter((end) => end === "SUCCEEDED 1")).toHaveLength(500 - Number(canceled));
});

test("a retry that waits in the queue is canceled by a purge, one that is not due yet is not", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  const retryPolicy = { maxAttempts: 3, initialBackoff: { seconds: 600n } };
  const input = scriptOf({ failures: 1 });
  await gateway.client.submitTask({ taskId: "later", spec: { input, retryPolicy } });
  const stateOf = async (taskId: string) => (await gateway.client.getTask({ taskId })).task?.state;
  await until(async () => (await stateOf("later")) === TaskState.RETRYING);
  await using gate = await openGate();
  await submit(gateway, "due", { gate: gate.url, failures: 1 });
  await gate.arrived();
  await gateway.queues.pauseQueue({ queue: QUEUE });
  gate.open();
  await until(async () => (await queueOf(gateway))?.waiting === 1n);

  expect(await gateway.queues.purgeQueue({ queue: QUEUE, confirmCount: 5n })).toMatchObject({
    canceled: 1n,
  });
  expect(await stateOf("due")).toBe(TaskState.CANCELED);
  expect(await stateOf("later")).toBe(TaskState.RETRYING);
});

test("a purge that runs out of time has canceled some tasks and harmed none", async () => {
  await using system = await System.start();
  const { gateway, worker } = await system.running();
  await worker[Symbol.asyncDispose]();
  const ids = await submitMany(gateway, 1_000);
  const purge = { queue: QUEUE, confirmCount: 1_000n };
  const late = await errorOf(gateway.queues.purgeQueue(purge, { timeoutMs: 100 }));
  expect(late.code).toBe(Code.DeadlineExceeded);
  const rest = await gateway.queues.purgeQueue(purge);
  expect(Number(rest.canceled)).toBeGreaterThan(0);
  await until(async () => (await queueOf(gateway))?.bytes === 0n);
  const log = await checkLedger(system.nats.url, ids);
  expect(ids.map((id) => statesOf(log.get(id) ?? []))).toEqual(ids.map(() => ["CANCELED 0"]));
});

test("a purge cancels a task that was started again", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
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
