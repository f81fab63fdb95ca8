import { describe, expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import type { Runaway } from "#test/support/scripted-worker/runaway.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  outputOf,
  System,
  scriptOf,
  statesOf,
} from "#test/support/system.ts";

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
  test("says and returns all that one in the worker's own thread does", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const id = await submit(gateway, { steps: 3 });
    const events = await historyOf(gateway, id);

    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    const words = events.flatMap(({ facet }) =>
      facet.case === "output" ? [facet.value.content.value] : [],
    );
    expect(words.join("")).toBe("word1 word2 word3 ");
    const lines = events.flatMap(({ facet }) => (facet.case === "log" ? [facet.value] : []));
    expect(lines).toMatchObject([1, 2, 3].map((step) => ({ message: `did step ${step}` })));
    const progress = events.findLast(({ facet }) => facet.case === "progress");
    expect(progress?.facet.value).toMatchObject({ fraction: 1, current: 3n, note: "step 3" });
    expect(outputOf(await taskOf(gateway, id))).toBe("attempt 1");
  });

  test("fails with its own error, and that decides about the next attempt", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const once = await submit(gateway, { permanent: "NO_SUCH_PAGE" }, { retryPolicy: {} });
    expect(statesOf(await historyOf(gateway, once))).toEqual(["RUNNING 1", "FAILED 1"]);
    const error = { code: "NO_SUCH_PAGE", message: "told to fail", retryable: false };
    expect((await taskOf(gateway, once))?.error).toMatchObject(error);

    const twice = await submit(gateway, { failures: 1 }, { retryPolicy: {} });
    const states = ["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"];
    expect(statesOf(await historyOf(gateway, twice))).toEqual(states);
    expect((await taskOf(gateway, twice))?.error).toMatchObject({ code: "TOLD", attempt: 1 });
  });

  test("uses the thread of the one before it, and a new one when that was ended by force", async () => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    const threadOf = async (script: Script, spec?: object) => {
      const id = await submit(gateway, { tellThread: true, ...script }, spec);
      await historyOf(gateway, id);
      return outputOf(await taskOf(gateway, id));
    };
    const first = await threadOf({});
    expect(first).toMatch(/^thread [1-9]/);
    expect([await threadOf({}), await threadOf({})]).toEqual([first, first]);
    const limits = { attemptSoftTimeout: { nanos: 200_000_000 }, attemptTimeout: { seconds: 1n } };
    expect(await threadOf({ runaway: "busy loop" }, limits)).toBeUndefined();
    await worker.service.logged("attempt ended", ({ outcome }) => outcome === "timed out");
    const next = await threadOf({});
    expect(next).toMatch(/^thread [1-9]/);
    expect(next).not.toBe(first);
  });

  test("is canceled while it waits for an answer: its signal aborts, and it stops by itself", async () => {
    await using system = await System.start();
    await using gate = await openGate();
    const { gateway, worker } = await system.running();
    const id = await submit(gateway, { gate: gate.url });
    await gate.arrived();
    await gateway.client.cancelTask({ taskId: id });
    const canceledAt = Date.now();
    await worker.service.logged("attempt ended", ({ outcome }) => outcome === "canceled");
    // Long before the end of its grace.
    expect(Date.now() - canceledAt).toBeLessThan(3_000);
    expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "CANCELED 1"]);
  });

  test("that never pauses is heard while it runs, and ended by its timeout, and its worker's other task goes on", async () => {
    await using system = await System.start();
    await using gate = await openGate();
    const { gateway, worker } = await system.running();
    const { task: beside } = await gateway.client.submitTask({
      spec: { input: scriptOf({ gate: gate.url, stepsAfterGate: 1 }) },
    });
    await gate.arrived();
    const spec = { attemptTimeout: { seconds: 14n } };
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

  test("that never pauses is ended by a cancel within the grace, and its slot is free again", async () => {
    await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "1" });
    await using gate = await openGate();
    const { gateway, worker } = await system.running();
    const id = await submit(gateway, { gate: gate.url, runaway: "busy loop" });
    await gate.arrived();
    gate.open();
    const canceledAt = Date.now();
    await gateway.client.cancelTask({ taskId: id });
    await worker.service.logged("attempt ended", ({ outcome }) => outcome === "canceled");
    expect(Date.now() - canceledAt).toBeLessThan(8_000);
    const next = await submit(gateway, {});
    expect(statesOf(await historyOf(gateway, next))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("that never pauses, but looks at its signal between reports, stops by itself", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const spec = { attemptTimeout: LIMIT };
    const id = await submit(gateway, { runaway: "busy loop that looks" }, spec);
    const startedAt = Date.now();
    await historyOf(gateway, id);
    expect((await taskOf(gateway, id))?.error?.code).toBe("ATTEMPT_TIMEOUT");
    // Not at the end of the grace.
    expect(Date.now() - startedAt).toBeLessThan(7_000);
  });

  const DEAF: Runaway[] = ["slow regex", "atomics wait", "child process"];
  test.each(DEAF)(
    "that is stuck (%s) is ended at its hard limit once its soft one has told it",
    async (runaway) => {
      await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "1" });
      const { gateway } = await system.running();
      const spec = { attemptSoftTimeout: { seconds: 2n }, attemptTimeout: LIMIT };
      const id = await submit(gateway, { runaway }, spec);
      const events = await historyOf(gateway, id);
      expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
      expect((await taskOf(gateway, id))?.error?.code).toBe("ATTEMPT_TIMEOUT");
      const next = await submit(gateway, {});
      expect(statesOf(await historyOf(gateway, next))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    },
  );

  const DEATHS: [Runaway, string, string][] = [
    ["process exit", "THREAD_DIED", "exited with code: 7"],
    ["memory", "OUT_OF_MEMORY", "48 MB"],
  ];
  test.each(DEATHS)(
    "that ends its thread (%s) fails with %s, is retried, and takes nobody with it",
    async (runaway, code, words) => {
      await using system = await System.start({ MILLRACE_ISOLATED_HEAP_MB: "48" });
      await using gate = await openGate();
      const { gateway, worker } = await system.running();
      const other = await submit(gateway, { gate: gate.url });
      await gate.arrived();
      const id = await submit(gateway, { runaway }, { retryPolicy: { maxAttempts: 2 } });

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
});
