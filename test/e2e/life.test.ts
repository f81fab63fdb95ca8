import { describe, expect } from "vitest";
import { Priority, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { reportsOf } from "#lib/task/fold.ts";
import { stateName } from "#lib/task/life.ts";
import { openGate } from "#test/support/gate.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, isolatedScriptOf, outputOf, scriptOf, statesOf } from "#test/support/system.ts";

/** A queue for each test with workers of its own. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,waiting,leaving,hasty,single" });

describe("a task on a whole system", () => {
  test("runs, reports and succeeds, and its watcher sees all of it in order", async ({
    gateway,
  }) => {
    const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({ steps: 3 }) } });
    const events = await historyOf(gateway, task?.id ?? "");

    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    const sequences = events.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => Number(a - b)));
    const words = events.flatMap(({ facet }) =>
      facet.case === "output" && facet.value.content.case === "text"
        ? [facet.value.content.value]
        : [],
    );
    expect(words.join("")).toBe("word1 word2 word3 ");
    expect(events.filter(({ facet }) => facet.case === "log")).toHaveLength(3);
    const progress = events.flatMap(reportsOf).at(-1);
    expect(progress).toMatchObject({ fraction: 1, note: "step 3" });

    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(outputOf(after.task)).toBe("attempt 1");
    expect(after.task?.state).toBe(TaskState.SUCCEEDED);
  });

  test("shows its progress also after reports of numbers that are none, and its log names those", async ({
    gateway,
  }) => {
    const reports = [{ current: "1e19" }, { current: "NaN" }, { fraction: "NaN", total: "-1" }];
    for (const input of [scriptOf, isolatedScriptOf].map((of) => of({ reports, steps: 3 }))) {
      const { task } = await gateway.client.submitTask({ spec: { input } });
      const events = await historyOf(gateway, task?.id ?? "");
      expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      const progress = events.flatMap(reportsOf).at(-1);
      expect(progress).toMatchObject({ fraction: 1, current: 3n, total: 3n });
      const lines = events.flatMap(({ facet }) => (facet.case === "log" ? [facet.value] : []));
      expect(lines.slice(0, 3).map(({ message }) => message.split(",")[0])).toEqual([
        "progress: current is 10000000000000000000",
        "progress: fraction is NaN",
        "progress: total is -1",
      ]);
    }
  });

  test("is retried after an error that may pass, and counts its failures", async ({ gateway }) => {
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ failures: 2 }) },
    });
    const events = await historyOf(gateway, task?.id ?? "");

    expect(statesOf(events)).toEqual([
      "RUNNING 1",
      "RETRYING 1",
      "RUNNING 2",
      "RETRYING 2",
      "RUNNING 3",
      "SUCCEEDED 3",
    ]);
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task).toMatchObject({ failures: 2, crashes: 0, attempt: 3 });
  });

  test("fails at once on an error that can't pass, and says why", async ({ gateway }) => {
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ permanent: "NO_SUCH_PAGE" }) },
    });
    const events = await historyOf(gateway, task?.id ?? "");

    expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task?.error).toMatchObject({
      code: "NO_SUCH_PAGE",
      message: "told to fail",
      retryable: false,
      attempt: 1,
    });
  });

  test("an attempt that takes longer than it may is stopped and retried", async ({ gateway }) => {
    await using gate = await openGate();

    const { task } = await gateway.client.submitTask({
      spec: {
        input: scriptOf({ gate: gate.url }),
        attemptTimeout: { nanos: 200_000_000 },
        retryPolicy: { maxAttempts: 2 },
      },
    });
    const events = await historyOf(gateway, task?.id ?? "");

    expect(statesOf(events)).toEqual(["RUNNING 1", "RETRYING 1", "RUNNING 2", "FAILED 2"]);
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task?.error?.code).toBe("ATTEMPT_TIMEOUT");
  });

  test("is canceled while it runs: the code stops, and its last words are not heard", async ({
    gateway,
    worker,
  }) => {
    await using gate = await openGate();
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ gate: gate.url }) },
    });
    await gate.arrived();
    const canceled = await gateway.client.cancelTask({
      taskId: task?.id ?? "",
      reason: "not needed",
    });
    expect(canceled.task).toMatchObject({
      state: TaskState.CANCELED,
      cancelReason: "not needed",
    });
    await worker.attemptEnded(task?.id ?? "", "canceled");

    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "CANCELED 1"]);
    const again = await gateway.client.cancelTask({ taskId: task?.id ?? "" });
    expect(again.task?.cancelReason).toBe("not needed");
  });

  test("is canceled while it waits, and never runs", async ({ system, gateway }) => {
    const queue = "waiting";
    const spec = { input: scriptOf({}), queue };
    const { task } = await gateway.client.submitTask({ spec });
    await gateway.client.cancelTask({ taskId: task?.id ?? "" });
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    const { task: next } = await gateway.client.submitTask({ spec });
    await historyOf(gateway, next?.id ?? "");

    expect(statesOf(await historyOf(gateway, task?.id ?? ""))).toEqual(["CANCELED 0"]);
  });

  test("a worker that leaves lets its attempt finish within the grace", async ({
    system,
    gateway,
  }) => {
    const queue = "leaving";
    await using gate = await openGate();
    await using worker = await system.worker({ MILLRACE_QUEUES: queue });
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ gate: gate.url }), queue },
    });
    await gate.arrived();
    worker.service.kill("SIGTERM");
    await worker.service.logged("worker leaves");
    gate.open();

    expect(await worker.service.exited).toBe(0);
    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("a worker whose grace is over hands its attempt back at no cost", async ({
    system,
    gateway,
  }) => {
    const queue = "hasty";
    const hasty = { MILLRACE_QUEUES: queue, MILLRACE_LEAVE_GRACE_MS: "0" };
    await using gate = await openGate();
    await using worker = await system.worker(hasty);
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ gate: gate.url }), queue },
    });
    await gate.arrived();
    worker.service.kill("SIGTERM");
    expect(await worker.service.exited).toBe(0);
    gate.open();
    await using _worker = await system.worker(hasty);

    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "QUEUED 1", "RUNNING 2", "SUCCEEDED 2"]);
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task).toMatchObject({ failures: 0, crashes: 0 });
  });

  test("an output that is too large fails the task and says how large it may be", async ({
    gateway,
  }) => {
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ outputBytes: 70_000 }) },
    });
    await historyOf(gateway, task?.id ?? "");

    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task?.error).toMatchObject({ code: "OUTPUT_TOO_LARGE", attempt: 1 });
    expect(after.task?.error?.message).toContain("65536 are allowed");
  });

  test("a worker with one slot runs one attempt at a time, whatever comes in at once", async ({
    system,
    gateway,
  }) => {
    const queue = "single";
    await using _worker = await system.worker({
      MILLRACE_QUEUES: queue,
      MILLRACE_WORKER_CONCURRENCY: "1",
    });
    const priorities = [Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW];
    const ids = Array.from({ length: 12 }, (_, index) => `task-${index}`);
    await Promise.all(
      ids.map((taskId, index) =>
        gateway.client.submitTask({
          taskId,
          spec: {
            input: scriptOf({ steps: 1, idleMs: 30 }),
            queue,
            priority: priorities[index % 4] ?? Priority.NORMAL,
          },
        }),
      ),
    );
    const histories = await Promise.all(ids.map((id) => historyOf(gateway, id)));

    // In the order of the log, every attempt has ended before the next one starts.
    const steps = histories
      .flat()
      .sort((a, b) => Number(a.sequence - b.sequence))
      .flatMap(({ facet }) => (facet.case === "state" ? [stateName(facet.value.state)] : []));
    expect(steps).toEqual(ids.flatMap(() => ["RUNNING", "SUCCEEDED"]));
  });
});
