import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { Priority, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { readLog } from "#test/support/ledger.ts";
import { historyOf, System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";

describe("submitting", () => {
  test("the same request id, at once through two gateways and again later, is one task", async () => {
    await using system = await System.start();
    const [one, two] = [await system.gateway(), await system.gateway()];
    await system.worker();
    await Promise.all([typesKnown(one), typesKnown(two)]);
    const request = { requestId: "order 4711 / page", spec: { input: scriptOf({ steps: 1 }) } };

    const gateways = [one, two, one, two, one, two];
    const answers = await Promise.all(gateways.map(({ client }) => client.submitTask(request)));
    const [taskId] = answers.map(({ task }) => task?.id);
    await historyOf(one, taskId ?? "");
    const later = await two.client.submitTask(request);

    expect(new Set([...answers, later].map(({ task }) => task?.id)).size).toBe(1);
    expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    expect(later).toMatchObject({ deduplicated: true, task: { state: TaskState.SUCCEEDED } });
    expect((await readLog(system.nats.url)).size).toBe(1);
    const states = statesOf(await historyOf(one, taskId ?? "")).filter((s) => s !== "QUEUED 0");
    expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("the same id for something else is ALREADY_EXISTS", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    await gateway.client.submitTask({ taskId: "mine", spec: { input: scriptOf({}) } });

    const error = await errorOf(
      gateway.client.submitTask({ taskId: "mine", spec: { input: scriptOf({ steps: 1 }) } }),
    );
    expect(error.code).toBe(Code.AlreadyExists);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "TASK_ID_TAKEN", domain: "millrace", metadata: { task_id: "mine" } },
    ]);
  });

  test("defaults are filled in, so that the task says what holds for it", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();

    const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
    expect(task?.spec).toMatchObject({ queue: "default", priority: Priority.NORMAL });
    expect(task?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test("what is wrong with an input is said field by field, by the rules of its type", async () => {
    await using system = await System.start();
    const gateway = await system.gateway();
    await system.worker({}, "services/worker/main.ts");
    await typesKnown(gateway);
    const input = anyPack(SummarizePageSchema, create(SummarizePageSchema, { url: "not a url" }));

    const error = await errorOf(gateway.client.submitTask({ spec: { input } }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(violationsOf(error)).toContain("spec.input.url");
  });

  test("a bad spec is refused with every field that is wrong", async () => {
    await using system = await System.start();
    const gateway = await system.gateway();
    const error = await errorOf(
      gateway.client.submitTask({
        taskId: "-bad-",
        spec: { queue: "Not A Queue", retryPolicy: { maxAttempts: 0 }, labels: { "1": "" } },
      }),
    );
    expect(error.code).toBe(Code.InvalidArgument);
    expect(violationsOf(error).sort()).toEqual(
      [
        'spec.labels["1"]',
        "spec.input",
        "spec.queue",
        "spec.retry_policy.max_attempts",
        "task_id",
      ].sort(),
    );
  });

  test("both ids at once are refused, for each of them is the key", async () => {
    await using system = await System.start();
    const gateway = await system.gateway();
    const error = await errorOf(
      gateway.client.submitTask({ taskId: "a", requestId: "b", spec: { input: scriptOf({}) } }),
    );
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toContain("task_id");
  });

  test("a queue that does not exist is refused with those that do", async () => {
    await using system = await System.start({ MILLRACE_QUEUES: "default,reports" });
    const gateway = await system.gateway();
    const error = await errorOf(
      gateway.client.submitTask({ spec: { queue: "other", input: scriptOf({}) } }),
    );
    expect(violationsOf(error)).toEqual(["spec.queue"]);
    expect(error.message).toContain("default, reports");
  });

  test("a task type that nobody has announced is FAILED_PRECONDITION", async () => {
    await using system = await System.start();
    const gateway = await system.gateway();
    const error = await errorOf(gateway.client.submitTask({ spec: { input: scriptOf({}) } }));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.message).toContain("google.protobuf.Struct");
  });

  test("an unknown id is NOT_FOUND for every method that takes one", async () => {
    await using system = await System.start();
    const { client } = await system.gateway();
    const watch = async () => {
      for await (const _ of client.watchTask({ taskId: "nobody" })) expect.unreachable();
    };
    for (const call of [
      client.getTask({ taskId: "nobody" }),
      client.cancelTask({ taskId: "nobody" }),
      watch(),
    ]) {
      expect((await errorOf(call)).code).toBe(Code.NotFound);
    }
  });

  test("a finished task can't be canceled and keeps its output", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
    await historyOf(gateway, task?.id ?? "");

    const error = await errorOf(gateway.client.cancelTask({ taskId: task?.id ?? "" }));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.message).toContain("SUCCEEDED");
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task?.output).toBeDefined();
  });

  test("RunTask submits and watches in one call", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const kinds: string[] = [];
    const submit = { spec: { input: scriptOf({ steps: 1 }) } };
    for await (const { update } of gateway.client.runTask({ submit })) {
      const { kind } = update ?? {};
      kinds.push(kind?.case === "event" ? String(kind.value.facet.case) : String(kind?.case));
    }
    expect(kinds.slice(0, 2)).toEqual(["snapshot", "spec"]);
    expect(kinds.at(-1)).toBe("state");
  });
});
