import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { type TaskSpec, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { describedViolationsOf, errorOf } from "#test/support/errors.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";

/** Besides the shared worker's, queues that have no worker until a test starts one. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,unserved,expiring,outlasting" });

const DAY_MS = 86_400_000;
const delay = (ms: number) => ({ case: "delay" as const, value: durationFromMs(ms) });
const startTime = (ms: number) => ({ case: "startTime" as const, value: timestampFromMs(ms) });
const ttl = (ms: number) => ({ case: "ttl" as const, value: durationFromMs(ms) });
const expireTime = (ms: number) => ({ case: "expireTime" as const, value: timestampFromMs(ms) });

describe("a task with a start time", () => {
  test("is SCHEDULED, starts no earlier, and its watcher sees it come to its queue", async ({
    gateway,
  }) => {
    const spec = { input: scriptOf({}), start: delay(1_500) };
    const { task } = await gateway.client.submitTask({ taskId: "later", spec });
    expect(task).toMatchObject({ state: TaskState.SCHEDULED });
    const dueMs = task?.nextAttemptTime ? timestampMs(task.nextAttemptTime) : 0;
    expect(dueMs).toBe(timestampMs(task?.createTime ?? timestampFromMs(0)) + 1_500);

    const events = await historyOf(gateway, "later");
    expect(statesOf(events)).toEqual(["QUEUED 0", "RUNNING 1", "SUCCEEDED 1"]);
    const queued = events.find(({ facet }) => facet.case === "state");
    expect(queued?.time && timestampMs(queued.time)).toBeGreaterThanOrEqual(dueMs - 5);
  });

  test("starts after gateway, worker and broker were killed and came back meanwhile", async () => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    const spec = { input: scriptOf({}), start: startTime(Date.now() + 4_000) };
    await gateway.client.submitTask({ taskId: "later", spec });
    gateway.service.kill("SIGKILL");
    worker.service.kill("SIGKILL");
    await system.nats.kill("SIGKILL");
    await system.nats.restart();
    const [other] = await Promise.all([system.gateway(), system.worker()]);
    await historyOf(other, "later");
    const log = await checkLedger(system.nats.url, ["later"]);
    expect(statesOf(log.get("later") ?? [])).toEqual(["QUEUED 0", "RUNNING 1", "SUCCEEDED 1"]);
  });

  test("is the same task when its submit is repeated, also after its time", async ({ gateway }) => {
    const request = {
      taskId: "repeated",
      spec: { input: scriptOf({}), start: startTime(Date.now() + 1_500) },
    };
    await gateway.client.submitTask(request);
    const again = await gateway.client.submitTask(request);
    expect(again).toMatchObject({ deduplicated: true, task: { state: TaskState.SCHEDULED } });
    await historyOf(gateway, "repeated");
    await expect.poll(() => Date.now()).toBeGreaterThan(timestampMs(request.spec.start.value));
    const late = await gateway.client.submitTask(request);
    expect(late).toMatchObject({ deduplicated: true, task: { state: TaskState.SUCCEEDED } });
  });

  test("is canceled before it, and never runs", async ({ gateway }) => {
    const { client } = gateway;
    await client.submitTask({ taskId: "a", spec: { input: scriptOf({}), start: delay(700) } });
    await client.cancelTask({ taskId: "a" });
    const after = { taskId: "b", spec: { input: scriptOf({}), start: delay(1_000) } };
    await client.submitTask(after);
    await historyOf(gateway, "b");
    expect(statesOf(await historyOf(gateway, "a"))).toEqual(["CANCELED 0"]);
  });
});

describe("a task that is not started in time", () => {
  test("expires, and leaves its queue", async ({ system, gateway }) => {
    const { client } = gateway;
    const queue = "expiring";
    const { task } = await client.submitTask({
      taskId: "late",
      spec: { input: scriptOf({}), queue, expiry: ttl(500) },
    });
    expect(task?.expireTime).toBeDefined();
    expect(statesOf(await historyOf(gateway, "late"))).toEqual(["EXPIRED 0"]);
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    await client.submitTask({ taskId: "next", spec: { input: scriptOf({}), queue } });
    await historyOf(gateway, "next");
    const log = await checkLedger(system.nats.url, ["late", "next"]);
    expect(statesOf(log.get("late") ?? [])).toEqual(["EXPIRED 0"]);
  });

  test("its ttl counts from its start time", async ({ gateway }) => {
    const spec = {
      input: scriptOf({}),
      queue: "unserved",
      start: delay(800),
      expiry: ttl(200),
    };
    const { task } = await gateway.client.submitTask({ taskId: "late-start", spec });
    const events = await historyOf(gateway, "late-start");
    expect(statesOf(events)).toEqual(["QUEUED 0", "EXPIRED 0"]);
    const endedMs = timestampMs(events.at(-1)?.time ?? timestampFromMs(0));
    const acceptedMs = timestampMs(task?.createTime ?? timestampFromMs(0));
    expect(endedMs - acceptedMs).toBeGreaterThanOrEqual(995);
  });

  test("one that was started does not expire", async ({ gateway }) => {
    await using gate = await openGate();
    const spec = { input: scriptOf({ gate: gate.url }), expiry: ttl(5_000) };
    await gateway.client.submitTask({ taskId: "started", spec });
    await gate.arrived();
    await gateway.client.submitTask({
      taskId: "clock",
      spec: { input: scriptOf({}), start: delay(5_300) },
    });
    await historyOf(gateway, "clock");
    gate.open();
    expect(statesOf(await historyOf(gateway, "started"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });
});

describe("a task that reaches its timeout", () => {
  test("while it waits in its queue has failed, and says so", async ({ gateway }) => {
    const { client } = gateway;
    const spec = { input: scriptOf({}), queue: "unserved", taskTimeout: durationFromMs(400) };
    await client.submitTask({ taskId: "t", spec });
    expect(statesOf(await historyOf(gateway, "t"))).toEqual(["FAILED 0"]);
    expect((await client.getTask({ taskId: "t" })).task?.error).toMatchObject({
      code: "TASK_TIMEOUT",
    });
  });

  test("can be started again, and has its time anew", async ({ system, gateway }) => {
    const { client } = gateway;
    const [taskId, queue] = ["outlasted", "outlasting"];
    const spec = { input: scriptOf({}), queue, taskTimeout: durationFromMs(3_000) };
    await client.submitTask({ taskId, spec });
    await historyOf(gateway, taskId);
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    await client.retryTask({ taskId });
    await expect
      .poll(async () => (await client.getTask({ taskId })).task?.state)
      .toBe(TaskState.SUCCEEDED);
  });
});

describe("times that can't be kept are refused at submit", () => {
  test("each by its field, with what is allowed", async ({ gateway }) => {
    const { client } = gateway;
    const input = scriptOf({});
    const now = Date.now();
    const refused = async (spec: Partial<TaskSpec>) => {
      const error = await errorOf(client.submitTask({ spec: { ...spec, input } as TaskSpec }));
      expect(error.code).toBe(Code.InvalidArgument);
      return describedViolationsOf(error);
    };
    expect(await refused({ start: startTime(now - 3_600_000) })).toEqual([
      expect.stringMatching(/^spec.start_time: is past; it is 20.* now$/),
    ]);
    expect(await refused({ expiry: expireTime(now - 1_000) })).toEqual([
      expect.stringMatching(/^spec.expire_time: is past/),
    ]);
    expect(await refused({ start: delay(8 * DAY_MS) })).toEqual([
      "spec.delay: may be at most 544320 s from now: the history is kept for 604800 s",
    ]);
    expect(await refused({ start: startTime(now + 30 * DAY_MS) })).toEqual([
      expect.stringMatching(/^spec.start_time: may be at most 544320 s from now/),
    ]);
    expect(await refused({ start: delay(60_000), expiry: expireTime(now + 30_000) })).toEqual([
      "spec.expire_time: must be later than its start",
    ]);
    expect(await refused({ expiry: ttl(8 * DAY_MS) })).toEqual([
      "spec.ttl: may not exceed 574560 s: the history is kept for 604800 s",
    ]);
    expect(await refused({ start: delay(-1_000) })).toHaveLength(1);
    expect(
      await refused({
        attemptTimeout: durationFromMs(1_000),
        attemptSoftTimeout: durationFromMs(1_000),
      }),
    ).toEqual(["spec.attempt_soft_timeout: must be less than attempt_timeout"]);
  });
});
