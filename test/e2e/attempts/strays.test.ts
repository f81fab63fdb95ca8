import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openGate } from "#test/support/gate.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, isolatedScriptOf, System, scriptOf, statesOf } from "#test/support/system.ts";

/** With the default of 3 crashes, so that a worker that is taken down shows in its tasks. */
const test = testOnSharedSystem();

const HOWS = ["rejection", "timer"] as const;

describe.each(HOWS)("an error that nobody awaits, by a %s,", (how) => {
  test("fails the attempt that it came of, at once, and no other", async ({ gateway, worker }) => {
    await using gate = await openGate();
    const good = await gateway.client.submitTask({ spec: { input: scriptOf({ gate: gate.url }) } });
    const stray = { how, afterMs: 50 };
    const bad = await gateway.client.submitTask({
      spec: { input: scriptOf({ stray, gate: gate.url }), retryPolicy: { maxAttempts: 1 } },
    });
    expect(statesOf(await historyOf(gateway, bad.task?.id ?? "")).at(-1)).toBe("FAILED 1");
    const { task } = await gateway.client.getTask({ taskId: bad.task?.id ?? "" });
    expect(task?.error).toMatchObject({ code: "STRAY", message: "left behind" });
    await gate.arrived();
    gate.open();
    const states = statesOf(await historyOf(gateway, good.task?.id ?? ""));
    expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    expect(worker.service.hasExited).toBe(false);
  });

  test.for([
    ["a handler", scriptOf],
    ["an isolated handler", isolatedScriptOf],
  ] as const)(
    "harms nobody after the end of %s, and the log says whose it was",
    async ([, of], { gateway, worker }) => {
      const stray = { how, afterMs: 600 };
      const ids: string[] = [];
      for (let index = 0; index < 20; index += 1) {
        const { task } = await gateway.client.submitTask({ spec: { input: of({ stray }) } });
        ids.push(task?.id ?? "");
      }
      const [first = ""] = ids;
      await historyOf(gateway, first);
      // Others are on the same worker, and on the same threads, when it fails.
      for (let index = 0; index < 8; index += 1) {
        const { task } = await gateway.client.submitTask({
          spec: { input: of({ steps: 4, idleMs: 1_500 }) },
        });
        ids.push(task?.id ?? "");
      }
      for (const id of ids) {
        expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
        const { task } = await gateway.client.getTask({ taskId: id });
        expect(task).toMatchObject({ state: TaskState.SUCCEEDED, crashes: 0, failures: 0 });
      }
      const said = "an error of a handler that nobody awaits";
      const line = await worker.service.logged(said, ({ taskId }) => taskId === first);
      expect(line).toMatchObject({
        attempt: 1,
        taskType: expect.stringContaining("google.protobuf."),
      });
    },
  );
});

test("an error that nobody awaits and that can't be read fails its attempt, and takes nobody down", async ({
  gateway,
  worker,
}) => {
  await using gate = await openGate();
  const stray = { how: "unreadable", afterMs: 50 } as const;
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ stray, gate: gate.url }), retryPolicy: { maxAttempts: 1 } },
  });
  const taskId = task?.id ?? "";
  expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "FAILED 1"]);
  const { task: failed } = await gateway.client.getTask({ taskId });
  expect(failed).toMatchObject({ crashes: 0, error: { code: "HANDLER_ERROR" } });
  expect(worker.service.hasExited).toBe(false);
});

describe.each(["listener", "promise"] as const)(
  "a handler whose %s fails when its signal aborts",
  (failsWhenStopped) => {
    test.each([
      ["is canceled", {}, "CANCELED 1"],
      ["takes too long", { attemptTimeout: durationFromMs(1_000) }, "FAILED 1"],
    ] as const)("harms only itself when it %s", async (_, limits, end) => {
      await using own = await System.start();
      const { gateway, worker } = await own.running();
      await using gate = await openGate();
      const { client } = gateway;
      await client.submitTask({ taskId: "good", spec: { input: scriptOf({ gate: gate.url }) } });
      await gate.arrived();
      await using other = await openGate();
      const input = scriptOf({ failsWhenStopped, gate: other.url });
      const retryPolicy = { maxAttempts: 1 };
      await client.submitTask({ taskId: "bad", spec: { input, retryPolicy, ...limits } });
      await other.arrived();
      if (end === "CANCELED 1") await client.cancelTask({ taskId: "bad" });
      expect(statesOf(await historyOf(gateway, "bad")).at(-1)).toBe(end);
      const said = "an error of a handler that nobody awaits";
      expect(await worker.service.logged(said)).toMatchObject({ taskId: "bad", attempt: 1 });
      gate.open();
      expect(statesOf(await historyOf(gateway, "good"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      expect(worker.service.hasExited).toBe(false);
    });

    test("does not keep its worker from leaving in order", async () => {
      await using own = await System.start({ MILLRACE_LEAVE_GRACE_MS: "100" });
      const { gateway, worker } = await own.running();
      await using gate = await openGate();
      const input = scriptOf({ failsWhenStopped, gate: gate.url });
      await gateway.client.submitTask({ taskId: "stopped", spec: { input } });
      await gate.arrived();
      worker.service.kill("SIGTERM");
      expect(await worker.service.exited).toBe(0);
    });
  },
);
