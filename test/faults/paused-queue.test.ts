import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe, expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { ASKED, QUEUE, queueOf, submit } from "#test/support/queues.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, SCRIPTED_LANE, System, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** A queue for each test that tampers with it. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,bare,undone,deleted,survived" });

// What takes long here is waiting for what looks by itself, not work.
describe.concurrent("a queue that is paused or set", () => {
  test("a pause outlives a killed broker and killed gateways, and is obeyed by workers that come back to it", async () => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    await gateway.queues.pauseQueue({ queue: QUEUE, ...ASKED });
    await submit(gateway, "waits");
    await system.nats.kill("SIGKILL");
    await gateway[Symbol.asyncDispose]();
    await system.nats.restart();
    await worker.ready();

    const next = await system.gateway();
    expect(await queueOf(next)).toMatchObject({ waiting: 1n, inFlight: 0n, pause: ASKED });
    const { task } = await next.client.getTask({ taskId: "waits" });
    expect(task?.state).toBe(TaskState.QUEUED);
    await next.queues.resumeQueue({ queue: QUEUE });
    expect(statesOf(await historyOf(next, "waits"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    await checkLedger(system.nats.url, ["waits"]);
  });

  test("a worker that puts back consumers which were deleted by hand does not end the pause", async ({
    system,
    gateway,
  }) => {
    const queue = "bare";
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    await gateway.queues.pauseQueue({ queue, ...ASKED });
    await submit(gateway, "behind", {}, queue);
    const nc = await connect({ servers: system.nats.url });
    const { consumers } = await jetstreamManager(nc);
    await Promise.all(
      ["p0", "p1", "p2", "p3", SCRIPTED_LANE].map((level) =>
        consumers.delete("MR_QUEUE_bare", level),
      ),
    );

    for (const lane of ["p3", SCRIPTED_LANE]) {
      await until(async () => (await consumers.info("MR_QUEUE_bare", lane)).paused === true);
    }
    expect(await queueOf(gateway, queue)).toMatchObject({
      waiting: 1n,
      inFlight: 0n,
      pause: ASKED,
    });
    await nc.close();
    await gateway.queues.resumeQueue({ queue });
    expect(statesOf(await historyOf(gateway, "behind"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("a pause that was undone by hand is put back, and one that was set by hand is ended", async ({
    system,
    gateway,
  }) => {
    const queue = "undone";
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    const nc = await connect({ servers: system.nats.url });
    const { consumers } = await jetstreamManager(nc);
    const isPaused = async () => (await consumers.info("MR_QUEUE_undone", "p2")).paused === true;
    await consumers.pause("MR_QUEUE_undone", "p2", new Date(Date.now() + 3_600_000));
    await until(async () => !(await isPaused()));
    await gateway.queues.pauseQueue({ queue });
    await consumers.resume("MR_QUEUE_undone", "p2");
    await until(isPaused);
    await nc.close();
  });

  test("a queue that was deleted by hand is put back as it was set, even if no worker is there", async ({
    system,
    gateway,
  }) => {
    const queue = "deleted";
    await gateway.queues.pauseQueue({ queue, ...ASKED });
    await gateway.queues.setQueueLimits({ queue, maxTasks: 9n });
    const nc = await connect({ servers: system.nats.url });
    await (await jetstreamManager(nc)).streams.delete("MR_QUEUE_deleted");
    await nc.close();
    await until(async () => (await queueOf(gateway, queue))?.maxTasks === 9n);
    expect(await queueOf(gateway, queue)).toMatchObject({ pause: ASKED });
  });

  test("a task whose worker dies during a pause runs again when the queue is resumed", async ({
    system,
    gateway,
  }) => {
    const queue = "survived";
    await using worker = await system.worker({ MILLRACE_QUEUES: queue });
    await using gate = await openGate();
    await submit(gateway, "survives", { gate: gate.url }, queue);
    await gate.arrived();
    await gateway.queues.pauseQueue({ queue });
    worker.service.kill("SIGKILL");
    await worker.service.exited;
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    await gateway.queues.resumeQueue({ queue });
    await gate.arrived();
    gate.open();
    const states = statesOf(await historyOf(gateway, "survives"));
    expect(states).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
    await checkLedger(system.nats.url, ["survives"]);
  });
});
