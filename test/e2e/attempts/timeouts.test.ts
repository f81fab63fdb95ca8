import { describe, expect } from "vitest";
import { openGate } from "#test/support/gate.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { type Gateway, historyOf, outputOf, scriptOf, statesOf } from "#test/support/system.ts";

/** Besides the shared worker's, a queue for each test that reads the metrics of a worker of its own. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,abandoning,counting" });

const SOFT = { nanos: 300_000_000 };
const HARD = { nanos: 600_000_000 };
/** So long that nothing in these tests reaches it. */
const FAR = { seconds: 60n };

async function submit({ client }: Gateway, script: Script, spec: object): Promise<string> {
  const { task } = await client.submitTask({
    spec: { input: scriptOf(script), retryPolicy: { maxAttempts: 1 }, ...spec },
  });
  return task?.id ?? "";
}

async function taskOf({ client }: Gateway, taskId: string) {
  return (await client.getTask({ taskId })).task;
}

async function metricsOf(url: string): Promise<string[]> {
  return (await (await fetch(`${url}/metrics`)).text()).split("\n");
}

describe("an attempt with limits", () => {
  test("may return what it has at its soft limit, and that is the task's output", async ({
    gateway,
  }) => {
    await using gate = await openGate();
    const id = await submit(
      gateway,
      { gate: gate.url, partial: true },
      { attemptSoftTimeout: SOFT, attemptTimeout: FAR },
    );
    expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    expect(outputOf(await taskOf(gateway, id))).toBe("partial");
  });

  test("that throws at its soft limit has timed out, and is retried", async ({ gateway }) => {
    await using gate = await openGate();
    const limits = {
      attemptSoftTimeout: SOFT,
      attemptTimeout: FAR,
      retryPolicy: { maxAttempts: 2 },
    };
    const id = await submit(gateway, { gate: gate.url }, limits);
    const states = ["RUNNING 1", "RETRYING 1", "RUNNING 2", "FAILED 2"];
    expect(statesOf(await historyOf(gateway, id))).toEqual(states);
    const task = await taskOf(gateway, id);
    expect(task?.error).toMatchObject({ code: "ATTEMPT_TIMEOUT" });
    expect(task?.error?.message).toContain("soft limit of 300 ms");
  });

  test("that did not listen to its soft limit is over at the hard one, without another grace", async ({
    gateway,
  }) => {
    await using gate = await openGate();
    const limits = { attemptSoftTimeout: SOFT, attemptTimeout: HARD };
    const id = await submit(gateway, { gate: gate.url, deaf: true }, limits);
    const events = await historyOf(gateway, id);
    expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
    const [from = 0, to = 0] = events
      .filter(({ facet }) => facet.case === "state")
      .map(({ time }) => Number(time?.seconds) * 1_000 + (time?.nanos ?? 0) / 1e6);
    expect(to - from).toBeGreaterThanOrEqual(590);
    expect(to - from).toBeLessThan(3_000);
    expect((await taskOf(gateway, id))?.error?.message).toBe("the attempt took longer than 600 ms");
  });

  test("is stopped at its task's deadline, and the task has failed", async ({ gateway }) => {
    await using gate = await openGate();
    const id = await submit(
      gateway,
      { gate: gate.url, partial: true },
      { taskTimeout: { seconds: 2n }, retryPolicy: {} },
    );
    expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "FAILED 1"]);
    expect((await taskOf(gateway, id))?.error).toMatchObject({
      code: "TASK_TIMEOUT",
      message: "the task had not ended by its deadline",
      retryable: false,
    });
  });

  test("that fails so late that no other fits before the task's deadline is the last one", async ({
    gateway,
  }) => {
    const id = await submit(
      gateway,
      { failures: 1, retryAfterMs: 60_000 },
      { taskTimeout: { seconds: 50n }, retryPolicy: {} },
    );
    expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "FAILED 1"]);
    const error = (await taskOf(gateway, id))?.error;
    expect(error).toMatchObject({ code: "TOLD", retryable: true });
    expect(error?.message).toContain("no other attempt fits before the task's deadline");
  });

  test("that never ends is abandoned: counted, named in the log, and again when it ends at last", async ({
    system,
    gateway,
  }) => {
    const queue = "abandoning";
    await using gate = await openGate();
    await using worker = await system.worker({
      MILLRACE_QUEUES: queue,
      MILLRACE_WORKER_CONCURRENCY: "1",
    });
    const id = await submit(
      gateway,
      { gate: gate.url, deaf: true, stepsAfterGate: 1 },
      { attemptTimeout: SOFT, queue },
    );
    await gate.arrived();
    const named = { taskId: id, attempt: 1, taskType: "google.protobuf.Struct" };
    const abandoned = await worker.service.logged("handler abandoned");
    expect(abandoned).toMatchObject(named);
    // After its limit, and the grace for cleaning up.
    expect(Number(abandoned["ranMs"])).toBeGreaterThanOrEqual(5_200);
    const type = `task_type="google.protobuf.Struct"`;
    const counted = `millrace_worker_abandoned_handlers_total{${type}} 1`;
    const told = await metricsOf(worker.url);
    expect(told).toContain(counted);
    expect(told).toContain("millrace_worker_abandoned_handlers 1");

    // Its slot is free meanwhile, though it is the only one.
    const next = await submit(gateway, {}, { queue });
    await historyOf(gateway, next);
    gate.open();
    expect(await worker.service.logged("abandoned handler has ended")).toMatchObject(named);
    expect(await metricsOf(worker.url)).toContain("millrace_worker_abandoned_handlers 0");
    // And what it said after the gate, nobody hears.
    const events = await historyOf(gateway, id);
    expect(events.filter(({ facet }) => facet.case === "log")).toEqual([]);
    expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
  });

  test("is counted by its type and its outcome", async ({ system, gateway }) => {
    const queue = "counting";
    await using gate = await openGate();
    await using worker = await system.worker({
      MILLRACE_QUEUES: queue,
      MILLRACE_WORKER_CONCURRENCY: "3",
    });
    await historyOf(gateway, await submit(gateway, {}, { queue }));
    await historyOf(gateway, await submit(gateway, { permanent: "NO" }, { queue }));
    const late = { steps: 1, idleMs: 60_000 };
    await historyOf(gateway, await submit(gateway, late, { attemptTimeout: SOFT, queue }));
    const running = await submit(gateway, { gate: gate.url }, { queue });
    await gate.arrived();

    const type = `task_type="google.protobuf.Struct"`;
    const told = await metricsOf(worker.url);
    for (const outcome of ["succeeded", "failed", "timed_out"]) {
      expect(told).toContain(`millrace_worker_attempts_total{${type},outcome="${outcome}"} 1`);
    }
    expect(told).toContain("millrace_worker_running_attempts 1");
    expect(told).toContain("millrace_worker_concurrency 3");
    expect(told.some((line) => line.startsWith("process_cpu_seconds_total "))).toBe(true);
    gate.open();
    await historyOf(gateway, running);
  });
});
