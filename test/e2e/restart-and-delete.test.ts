import { Code } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf } from "#test/support/errors.ts";
import { openGate } from "#test/support/gate.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, outputOf, scriptOf, statesOf } from "#test/support/system.ts";

const test = testOnSharedSystem();

const FAILS_ONCE = scriptOf({ failures: 1 });
const ONE_ATTEMPT = { maxAttempts: 1 };

describe("a task that has ended", () => {
  test("is started again under its id, with its history, and says who wanted it", async ({
    gateway,
  }) => {
    const { client } = gateway;
    const taskId = "again";
    await client.submitTask({ taskId, spec: { input: FAILS_ONCE, retryPolicy: ONE_ATTEMPT } });
    expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "FAILED 1"]);

    const { task } = await client.retryTask({ taskId, requestedBy: "ada" });
    expect(task).toMatchObject({ restarts: 1, restartedBy: "ada" });
    await expect
      .poll(async () => (await client.getTask({ taskId })).task?.state)
      .toBe(TaskState.SUCCEEDED);

    const ended = (await client.getTask({ taskId })).task;
    expect(ended).toMatchObject({ attempt: 2, failures: 0, restarts: 1 });
    expect(ended?.error).toBeUndefined();
    expect(outputOf(ended)).toBe("attempt 2");
  });

  test("is started once, however many callers ask at the same time", async ({ gateway }) => {
    await using gate = await openGate();
    const { client } = gateway;
    const taskId = "contested";
    const input = scriptOf({ gate: gate.url });
    await client.submitTask({ taskId, spec: { input } });
    await gate.arrived();
    await client.cancelTask({ taskId, reason: "later", requestedBy: "bob" });
    expect((await client.getTask({ taskId })).task).toMatchObject({
      state: TaskState.CANCELED,
      cancelReason: "later",
      canceledBy: "bob",
    });

    const answers = await Promise.allSettled(
      Array.from({ length: 4 }, () => client.retryTask({ taskId })),
    );
    expect(answers.some(({ status }) => status === "fulfilled")).toBe(true);
    await gate.arrived();
    expect((await client.getTask({ taskId })).task).toMatchObject({ restarts: 1, attempt: 2 });
    gate.open();
    await expect
      .poll(async () => (await client.getTask({ taskId })).task?.state)
      .toBe(TaskState.SUCCEEDED);
  });

  test("is not started again when it succeeded, nor while it goes on, nor when it is unknown", async ({
    gateway,
  }) => {
    await using gate = await openGate();
    const { client } = gateway;
    await client.submitTask({ taskId: "good", spec: { input: scriptOf({}) } });
    await historyOf(gateway, "good");
    const good = await errorOf(client.retryTask({ taskId: "good" }));
    expect(good).toMatchObject({ code: Code.FailedPrecondition });
    expect(good.rawMessage).toBe("task good is finished: SUCCEEDED");

    await client.submitTask({ taskId: "busy", spec: { input: scriptOf({ gate: gate.url }) } });
    await gate.arrived();
    const busy = await errorOf(client.retryTask({ taskId: "busy" }));
    expect(busy).toMatchObject({ code: Code.FailedPrecondition });
    expect(busy.rawMessage).toBe("task busy has not ended: RUNNING");
    const kept = await errorOf(client.deleteTask({ taskId: "busy" }));
    expect(kept.rawMessage).toBe("task busy has not ended: RUNNING");
    gate.open();

    expect(await errorOf(client.retryTask({ taskId: "none" }))).toMatchObject({
      code: Code.NotFound,
    });
  });

  test("is deleted with its history, once, and its id is free again", async ({ gateway }) => {
    const { client } = gateway;
    const taskId = "gone";
    await client.submitTask({ taskId, spec: { input: scriptOf({ steps: 3 }) } });
    await historyOf(gateway, taskId);

    expect(await client.deleteTask({ taskId })).toMatchObject({ deleted: true });
    expect(await client.deleteTask({ taskId })).toMatchObject({ deleted: false });
    expect(await errorOf(client.getTask({ taskId }))).toMatchObject({ code: Code.NotFound });
    expect(await errorOf(client.retryTask({ taskId }))).toMatchObject({ code: Code.NotFound });

    const other = await client.submitTask({ taskId, spec: { input: scriptOf({ steps: 1 }) } });
    expect(other.deduplicated).toBe(false);
    expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });
});
