import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { ASKED, QUEUE, queueOf, submit, submitMany } from "#test/support/queues.ts";
import { historyOf, System, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** When its attempts were started, in milliseconds since 1970. */
function startsMs(events: readonly TaskEvent[]): number[] {
  return events.flatMap(({ facet, time }) => {
    const starts = facet.case === "state" && facet.value.state === TaskState.RUNNING;
    return starts && time ? [timestampMs(time)] : [];
  });
}

test("nobody takes a task from a paused queue, what runs goes on, and all is done once it is resumed", async () => {
  await using system = await System.start();
  const { gateway, worker } = await system.running();
  await using gate = await openGate();
  await submit(gateway, "runs", { gate: gate.url });
  await gate.arrived();
  const paused = await gateway.queues.pauseQueue({ queue: QUEUE, ...ASKED });
  expect(paused.queue?.pause).toMatchObject(ASKED);

  // The worker waits for tasks; another one starts; this one comes back after a stop and a start.
  await submit(gateway, "new");
  await system.worker();
  gate.open();
  expect(statesOf(await historyOf(gateway, "runs")).at(-1)).toBe("SUCCEEDED 1");
  // Killed before it has let go of the task, the worker would leave it on loan.
  await until(async () => (await queueOf(gateway))?.inFlight === 0n);
  await worker[Symbol.asyncDispose]();
  await system.worker();
  const { task } = await gateway.client.getTask({ taskId: "new" });
  expect(task?.state).toBe(TaskState.QUEUED);
  expect(await queueOf(gateway)).toMatchObject({ waiting: 1n, inFlight: 0n });

  const again = await gateway.queues.pauseQueue({ queue: QUEUE, reason: "longer" });
  expect(again.queue?.pause?.time).toEqual(paused.queue?.pause?.time);
  expect(again.queue?.pause).toMatchObject({ reason: "longer", requestedBy: "" });

  const { queue } = await gateway.queues.resumeQueue({ queue: QUEUE });
  expect(queue?.pause).toBeUndefined();
  expect(statesOf(await historyOf(gateway, "new"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  expect((await gateway.queues.resumeQueue({ queue: QUEUE })).queue?.pause).toBeUndefined();
  await checkLedger(system.nats.url, ["runs", "new"]);
});

test("a busy worker takes no task any more within a second of the pause", async () => {
  await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "20" });
  const { gateway } = await system.running();
  const accepted = submitMany(gateway, 1_500, { steps: 1, idleMs: 5 });
  await until(async () => {
    const { task } = await gateway.client.getTask({ taskId: "default-20" });
    return task?.state === TaskState.SUCCEEDED;
  });
  await gateway.queues.pauseQueue({ queue: QUEUE });
  const pausedMs = Date.now();
  const ids = await accepted;
  await until(async () => (await queueOf(gateway))?.inFlight === 0n);
  expect(Number((await queueOf(gateway))?.waiting)).toBeGreaterThan(0);

  const log = await readLog(system.nats.url);
  const lateMs = Math.max(...[...log.values()].flatMap(startsMs)) - pausedMs;
  expect(lateMs).toBeLessThan(1_000);
  await gateway.queues.resumeQueue({ queue: QUEUE });
  await until(async () => (await queueOf(gateway))?.bytes === 0n);
  await checkLedger(system.nats.url, ids);
});

test("a retry that comes due during a pause waits in the queue", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  await using gate = await openGate();
  await submit(gateway, "retries", { gate: gate.url, failures: 1 });
  await gate.arrived();
  await gateway.queues.pauseQueue({ queue: QUEUE });
  gate.open();
  await until(async () => (await queueOf(gateway))?.waiting === 1n);
  const { task } = await gateway.client.getTask({ taskId: "retries" });
  expect(task?.state).toBe(TaskState.RETRYING);
  await gateway.queues.resumeQueue({ queue: QUEUE });
  gate.open();
  expect(statesOf(await historyOf(gateway, "retries")).at(-1)).toBe("SUCCEEDED 2");
});
