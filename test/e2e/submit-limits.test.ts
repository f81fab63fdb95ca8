import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { Priority, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";

/** Besides the shared worker's, a queue for each test that fills one. */
const test = testOnSharedSystem({
  MILLRACE_QUEUES: "default,full,never-answered,unhandled",
  MILLRACE_QUEUE_MAX_TASKS: "2",
  MILLRACE_HISTORY_HOURS: "1",
});

describe("the limits of submitting", () => {
  test("an input above 64 KiB is refused", async ({ gateway }) => {
    const input = scriptOf({ permanent: "x".repeat(70_000) });
    const error = await errorOf(gateway.client.submitTask({ spec: { input } }));
    expect(violationsOf(error)).toEqual(["spec.input"]);
    expect(error.message).toContain("65536");
  });

  test("a full queue refuses, leaves nothing behind, and accepts again when there is room", async ({
    system,
    gateway,
  }) => {
    const queue = "full";
    const submit = (taskId: string) =>
      gateway.client.submitTask({ taskId, spec: { input: scriptOf({}), queue } });
    await submit("one");
    await submit("two");

    const error = await errorOf(submit("three"));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    const unknown = await errorOf(gateway.client.getTask({ taskId: "three" }));
    expect(unknown.code).toBe(Code.NotFound);
    // A repeat of what waits already needs no room.
    expect(await submit("two")).toMatchObject({ deduplicated: true });

    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    await historyOf(gateway, "one");
    await historyOf(gateway, "two");
    expect(await submit("three")).toMatchObject({ deduplicated: false });
    expect(statesOf(await historyOf(gateway, "three"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("a repeat of a submit that was never answered is accepted though its queue is full by now, and waits for a place", async ({
    system,
    gateway,
  }) => {
    const queue = "never-answered";
    // What a gateway leaves that dies between spec and queue.
    await using broker = await openTestBroker(system.nats.url, {
      queues: [queue],
      queueMaxTasks: 2,
      historyMs: 3_600_000,
    });
    const input = scriptOf({});
    const spec = { input, queue, priority: Priority.NORMAL };
    await broker.log.begin("orphan", create(TaskSpecSchema, spec));
    for (const taskId of ["first", "second"]) {
      await gateway.client.submitTask({ taskId, spec: { input, queue } });
    }

    const repeat = await gateway.client.submitTask({ taskId: "orphan", spec: { input, queue } });
    expect(repeat).toMatchObject({ deduplicated: true });
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    for (const taskId of ["first", "second", "orphan"]) {
      expect(statesOf(await historyOf(gateway, taskId)).at(-1)).toBe("SUCCEEDED 1");
    }
  });

  test("a time that is longer than the history lasts is refused", async ({ gateway }) => {
    const spec = { input: scriptOf({}), attemptTimeout: { seconds: 7_200n } };
    const error = await errorOf(gateway.client.submitTask({ spec }));
    expect(violationsOf(error)).toEqual(["spec.attempt_timeout"]);
    expect(error.message).toContain("3600 s");
  });

  test("a full history refuses rather than forget", async () => {
    await using system = await System.start({ MILLRACE_HISTORY_MAX_BYTES: String(2 ** 20) });
    const { gateway, worker } = await system.running();
    await worker[Symbol.asyncDispose]();
    const input = scriptOf({ permanent: "x".repeat(60_000) });
    const submit = (taskId: string) => gateway.client.submitTask({ taskId, spec: { input } });

    let accepted = 0;
    const error = await (async () => {
      for (;;) {
        try {
          await submit(`task-${accepted}`);
          accepted += 1;
        } catch (refusal) {
          return ConnectError.from(refusal);
        }
      }
    })();
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(accepted).toBeGreaterThan(10);
    const first = await gateway.client.getTask({ taskId: "task-0" });
    expect(first.task?.state).toBe(TaskState.QUEUED);
  });

  test("a task that no worker has a handler for can be submitted again, though its queue is full", async ({
    system,
    gateway,
  }) => {
    const queue = "unhandled";
    await using _other = await system.worker({ MILLRACE_QUEUES: queue }, "services/worker/main.ts");
    const submit = (taskId: string) =>
      gateway.client.submitTask({ taskId, spec: { input: scriptOf({}), queue } });
    await submit("unhandled");
    await submit("third");
    await expect(submit("fourth")).rejects.toMatchObject({ code: Code.ResourceExhausted });

    expect(await submit("unhandled")).toMatchObject({ deduplicated: true });
    await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
    for (const taskId of ["unhandled", "third"]) {
      expect(statesOf(await historyOf(gateway, taskId)).at(-1)).toBe("SUCCEEDED 1");
    }
  });
});
