import { describe, expect } from "vitest";
import { reportsOf } from "#lib/task/fold.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import type { Runaway } from "#test/support/scripted-worker/runaway.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  outputOf,
  scriptOf,
  statesOf,
} from "#test/support/system.ts";

/** Besides that of the worker that the tests share, one for each kind of worker that a test has for itself. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,single,small" });
const SINGLE = { MILLRACE_QUEUES: "single", MILLRACE_WORKER_CONCURRENCY: "1" };
const SMALL = { MILLRACE_QUEUES: "small", MILLRACE_ISOLATED_HEAP_MB: "48" };

/** Long enough for a thread to start on a busy machine, and to hold a test up for no longer than it must. */
const LIMIT = { seconds: 3n };

async function submit({ client }: Gateway, script: Script, spec: object = {}): Promise<string> {
  const { task } = await client.submitTask({
    spec: { input: isolatedScriptOf(script), retryPolicy: { maxAttempts: 1 }, ...spec },
  });
  return task?.id ?? "";
}

async function taskOf({ client }: Gateway, taskId: string) {
  return (await client.getTask({ taskId })).task;
}

describe("an isolated handler", () => {
  test("says and returns all that one in the worker's own thread does", async ({ gateway }) => {
    const id = await submit(gateway, { steps: 3 });
    const events = await historyOf(gateway, id);

    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    const words = events.flatMap(({ facet }) =>
      facet.case === "output" ? [facet.value.content.value] : [],
    );
    expect(words.join("")).toBe("word1 word2 word3 ");
    const lines = events.flatMap(({ facet }) => (facet.case === "log" ? [facet.value] : []));
    expect(lines).toMatchObject([1, 2, 3].map((step) => ({ message: `did step ${step}` })));
    const progress = events.flatMap(reportsOf).at(-1);
    expect(progress).toMatchObject({ fraction: 1, current: 3n, note: "step 3" });
    expect(outputOf(await taskOf(gateway, id))).toBe("attempt 1");
  });

  test("fails with its own error, and that decides about the next attempt", async ({ gateway }) => {
    const once = await submit(gateway, { permanent: "NO_SUCH_PAGE" }, { retryPolicy: {} });
    expect(statesOf(await historyOf(gateway, once))).toEqual(["RUNNING 1", "FAILED 1"]);
    const error = { code: "NO_SUCH_PAGE", message: "told to fail", retryable: false };
    expect((await taskOf(gateway, once))?.error).toMatchObject(error);

    const twice = await submit(gateway, { failures: 1 }, { retryPolicy: {} });
    const states = ["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"];
    expect(statesOf(await historyOf(gateway, twice))).toEqual(states);
    expect((await taskOf(gateway, twice))?.error).toMatchObject({ code: "TOLD", attempt: 1 });
  });

  test("uses the thread of the one before it, and a new one when that was ended by force", async ({
    gateway,
    worker,
  }) => {
    const thread = async () => {
      const id = await submit(gateway, { tellThread: true });
      await historyOf(gateway, id);
      return outputOf(await taskOf(gateway, id));
    };
    const first = await thread();
    expect(first).toMatch(/^thread [1-9]/);
    expect([await thread(), await thread()]).toEqual([first, first]);
    const limits = { attemptSoftTimeout: { nanos: 200_000_000 }, attemptTimeout: { seconds: 1n } };
    const looping = await submit(gateway, { tellThread: true, runaway: "busy loop" }, limits);
    await historyOf(gateway, looping);
    expect(outputOf(await taskOf(gateway, looping))).toBeUndefined();
    await worker.attemptEnded(looping, "timed out");
    const next = await thread();
    expect(next).toMatch(/^thread [1-9]/);
    expect(next).not.toBe(first);
  });

  test("is canceled while it waits for an answer: its signal aborts, and it stops by itself", async ({
    gateway,
    worker,
  }) => {
    await using gate = await openGate();
    const id = await submit(gateway, { gate: gate.url });
    await gate.arrived();
    await gateway.client.cancelTask({ taskId: id });
    const canceledAt = Date.now();
    await worker.attemptEnded(id, "canceled");
    // Long before the end of its grace.
    expect(Date.now() - canceledAt).toBeLessThan(3_000);
    expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "CANCELED 1"]);
  });

  test("that never pauses is heard while it runs, and ended by its timeout, and its worker's other task goes on", async ({
    system,
    gateway,
    worker,
  }) => {
    await using gate = await openGate();
    const { task: beside } = await gateway.client.submitTask({
      spec: { input: scriptOf({ gate: gate.url, stepsAfterGate: 1 }) },
    });
    await gate.arrived();
    const spec = { attemptTimeout: { seconds: 10n } };
    const id = await submit(gateway, { runaway: "busy loop that reports" }, spec);

    const events = await historyOf(gateway, id);
    const heard = events.filter(({ facet }) => facet.case === "progress");
    expect(heard.length).toBeGreaterThan(10);
    expect((await taskOf(gateway, id))?.error?.code).toBe("ATTEMPT_TIMEOUT");
    // Heard while it was busy, not when it was over.
    const times = heard.map(({ time }) => Number(time?.seconds));
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(5);
    gate.open();
    const besideId = beside?.id ?? "";
    expect(statesOf(await historyOf(gateway, besideId))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    // Longer than the broker waits for a worker that does not beat, and still nobody took it for dead.
    expect(await taskOf(gateway, besideId)).toMatchObject({ crashes: 0, workerId: worker.id });
    expect(await taskOf(gateway, id)).toMatchObject({ crashes: 0, failures: 1 });
    await checkLedger(system.nats.url, [id, besideId]);
  });

  test("that never pauses is ended by a cancel within the grace, and its slot is free again", async ({
    system,
    gateway,
  }) => {
    const queue = SINGLE.MILLRACE_QUEUES;
    await using gate = await openGate();
    await using worker = await system.worker(SINGLE);
    const id = await submit(gateway, { gate: gate.url, runaway: "busy loop" }, { queue });
    await gate.arrived();
    gate.open();
    const canceledAt = Date.now();
    await gateway.client.cancelTask({ taskId: id });
    await worker.attemptEnded(id, "canceled");
    expect(Date.now() - canceledAt).toBeLessThan(8_000);
    const next = await submit(gateway, {}, { queue });
    expect(statesOf(await historyOf(gateway, next))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("that never pauses, but looks at its signal between reports, stops by itself", async ({
    gateway,
  }) => {
    const spec = { attemptTimeout: LIMIT };
    const id = await submit(gateway, { runaway: "busy loop that looks" }, spec);
    const startedAt = Date.now();
    await historyOf(gateway, id);
    expect((await taskOf(gateway, id))?.error?.code).toBe("ATTEMPT_TIMEOUT");
    // Not at the end of the grace.
    expect(Date.now() - startedAt).toBeLessThan(7_000);
  });

  const DEAF: Runaway[] = ["slow regex", "atomics wait", "child process"];
  test.for(DEAF)(
    "that is stuck (%s) is ended at its hard limit once its soft one has told it",
    async (runaway, { system, gateway }) => {
      const queue = SINGLE.MILLRACE_QUEUES;
      await using _worker = await system.worker(SINGLE);
      const spec = { attemptSoftTimeout: { seconds: 2n }, attemptTimeout: LIMIT, queue };
      const id = await submit(gateway, { runaway }, spec);
      const events = await historyOf(gateway, id);
      expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
      expect((await taskOf(gateway, id))?.error?.code).toBe("ATTEMPT_TIMEOUT");
      const next = await submit(gateway, {}, { queue });
      expect(statesOf(await historyOf(gateway, next))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    },
  );

  const DEATHS: [Runaway, string, string][] = [
    ["process exit", "THREAD_DIED", "exited with code: 7"],
    ["memory", "OUT_OF_MEMORY", "48 MB"],
  ];
  test.for(DEATHS)(
    "that ends its thread (%s) fails with %s, is retried, and takes nobody with it",
    async ([runaway, code, words], { system, gateway }) => {
      const queue = SMALL.MILLRACE_QUEUES;
      await using gate = await openGate();
      await using worker = await system.worker(SMALL);
      const other = await submit(gateway, { gate: gate.url }, { queue });
      await gate.arrived();
      const id = await submit(gateway, { runaway }, { retryPolicy: { maxAttempts: 2 }, queue });

      const events = await historyOf(gateway, id);
      const states = ["RUNNING 1", "RETRYING 1", "RUNNING 2", "FAILED 2"];
      expect(statesOf(events)).toEqual(states);
      const after = await taskOf(gateway, id);
      expect(after).toMatchObject({ crashes: 0, failures: 2, error: { code, retryable: true } });
      expect(after?.error?.message).toContain(words);
      gate.open();
      await historyOf(gateway, other);
      expect(await taskOf(gateway, other)).toMatchObject({ crashes: 0, workerId: worker.id });
      expect(outputOf(await taskOf(gateway, other))).toBe("attempt 1");
    },
  );

  // It was taken for one that was told to stop, and ran again for ever.
  test("that throws null where nobody awaits it fails with THREAD_DIED", async ({
    gateway,
    worker,
  }) => {
    await using never = await openGate();
    const stray = { how: "null", afterMs: 50 } as const;
    const once = { retryPolicy: { maxAttempts: 1 } };
    const id = await submit(gateway, { stray, gate: never.url }, once);
    expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "FAILED 1"]);
    const after = await taskOf(gateway, id);
    expect(after).toMatchObject({
      workerId: worker.id,
      failures: 1,
      error: { code: "THREAD_DIED" },
    });
    expect(after?.error?.message).toContain("null");
  });
});
