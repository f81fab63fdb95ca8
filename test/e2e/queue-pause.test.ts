import { expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { ASKED, queueOf, submit } from "#test/support/queues.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** A queue for each test that pauses one. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,paused,retrying" });

test("nobody takes a task from a paused queue, what runs goes on, and all is done once it is resumed", async ({
  system,
  gateway,
}) => {
  const queue = "paused";
  const serving = { MILLRACE_QUEUES: queue };
  await using worker = await system.worker(serving);
  await using gate = await openGate();
  await submit(gateway, "runs", { gate: gate.url }, queue);
  await gate.arrived();
  const paused = await gateway.queues.pauseQueue({ queue, ...ASKED });
  expect(paused.queue?.pause).toMatchObject(ASKED);

  // The worker waits for tasks; another one starts; this one comes back after a stop and a start.
  await submit(gateway, "new", {}, queue);
  await using _second = await system.worker(serving);
  gate.open();
  expect(statesOf(await historyOf(gateway, "runs")).at(-1)).toBe("SUCCEEDED 1");
  // Killed before it has let go of the task, the worker would leave it on loan.
  await until(async () => (await queueOf(gateway, queue))?.inFlight === 0n);
  await worker[Symbol.asyncDispose]();
  await using _third = await system.worker(serving);
  const { task } = await gateway.client.getTask({ taskId: "new" });
  expect(task?.state).toBe(TaskState.QUEUED);
  expect(await queueOf(gateway, queue)).toMatchObject({ waiting: 1n, inFlight: 0n });

  const again = await gateway.queues.pauseQueue({ queue, reason: "longer" });
  expect(again.queue?.pause?.time).toEqual(paused.queue?.pause?.time);
  expect(again.queue?.pause).toMatchObject({ reason: "longer", requestedBy: "" });

  const resumed = await gateway.queues.resumeQueue({ queue });
  expect(resumed.queue?.pause).toBeUndefined();
  expect(statesOf(await historyOf(gateway, "new"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  expect((await gateway.queues.resumeQueue({ queue })).queue?.pause).toBeUndefined();
  await checkLedger(system.nats.url, ["runs", "new"]);
});

test("a retry that comes due during a pause waits in the queue", async ({ system, gateway }) => {
  const queue = "retrying";
  await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
  await using gate = await openGate();
  await submit(gateway, "retries", { gate: gate.url, failures: 1 }, queue);
  await gate.arrived();
  await gateway.queues.pauseQueue({ queue });
  gate.open();
  await until(async () => (await queueOf(gateway, queue))?.waiting === 1n);
  const { task } = await gateway.client.getTask({ taskId: "retries" });
  expect(task?.state).toBe(TaskState.RETRYING);
  await gateway.queues.resumeQueue({ queue });
  gate.open();
  expect(statesOf(await historyOf(gateway, "retries")).at(-1)).toBe("SUCCEEDED 2");
});
