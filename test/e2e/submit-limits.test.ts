import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { Priority, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

describe("the limits of submitting", () => {
  test("an input above 64 KiB is refused", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const input = scriptOf({ permanent: "x".repeat(70_000) });
    const error = await errorOf(gateway.client.submitTask({ spec: { input } }));
    expect(violationsOf(error)).toEqual(["spec.input"]);
    expect(error.message).toContain("65536");
  });

  test("a full queue refuses, leaves nothing behind, and accepts again when there is room", async () => {
    await using system = await System.start({ MILLRACE_QUEUE_MAX_TASKS: "2" });
    const { gateway, worker } = await system.running();
    await worker[Symbol.asyncDispose]();
    const submit = (taskId: string) =>
      gateway.client.submitTask({ taskId, spec: { input: scriptOf({}) } });
    await submit("one");
    await submit("two");

    const error = await errorOf(submit("three"));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    const unknown = await errorOf(gateway.client.getTask({ taskId: "three" }));
    expect(unknown.code).toBe(Code.NotFound);
    // A repeat of what waits already needs no room.
    expect(await submit("two")).toMatchObject({ deduplicated: true });

    await system.worker();
    await historyOf(gateway, "one");
    await historyOf(gateway, "two");
    expect(await submit("three")).toMatchObject({ deduplicated: false });
    expect(statesOf(await historyOf(gateway, "three"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("a repeat of a submit that was never answered is accepted though its queue is full by now, and waits for a place", async () => {
    await using system = await System.start({ MILLRACE_QUEUE_MAX_TASKS: "1" });
    const { gateway, worker } = await system.running();
    await worker[Symbol.asyncDispose]();
    // What a gateway leaves that dies between spec and queue.
    await using broker = await openTestBroker(system.nats.url, { queueMaxTasks: 1 });
    const input = scriptOf({});
    const spec = { input, queue: "default", priority: Priority.NORMAL };
    await broker.log.begin("orphan", create(TaskSpecSchema, spec));
    await gateway.client.submitTask({ taskId: "first", spec: { input } });

    const repeat = await gateway.client.submitTask({ taskId: "orphan", spec: { input } });
    expect(repeat).toMatchObject({ deduplicated: true });
    await system.worker();
    expect(statesOf(await historyOf(gateway, "first")).at(-1)).toBe("SUCCEEDED 1");
    expect(statesOf(await historyOf(gateway, "orphan")).at(-1)).toBe("SUCCEEDED 1");
  });

  test("a time that is longer than the history lasts is refused", async () => {
    await using system = await System.start({ MILLRACE_HISTORY_HOURS: "1" });
    const { gateway } = await system.running();
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

  test("a task that a worker without a handler was given can be submitted again, though its queue is full", async () => {
    await using system = await System.start({ MILLRACE_QUEUE_MAX_TASKS: "1" });
    const { gateway, worker } = await system.running();
    await worker[Symbol.asyncDispose]();
    const other = await system.worker({}, "services/worker/main.ts");
    const submit = (taskId: string) =>
      gateway.client.submitTask({ taskId, spec: { input: scriptOf({}) } });
    await submit("one");
    // Planned for later, it is in the queue no more.
    await until(async () => {
      const { task } = await gateway.client.getTask({ taskId: "one" });
      const [queue] = (await gateway.queues.listQueues({})).queues;
      return task !== undefined && task.sequence > 1n && queue?.bytes === 0n;
    });
    await other[Symbol.asyncDispose]();
    await submit("two");

    expect(await submit("one")).toMatchObject({ deduplicated: true });
    await system.worker();
    for (const taskId of ["one", "two"]) {
      expect(statesOf(await historyOf(gateway, taskId)).at(-1)).toBe("SUCCEEDED 1");
    }
  });
});
