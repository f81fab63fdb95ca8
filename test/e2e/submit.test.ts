import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { Priority, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { readLog } from "#test/support/ledger.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,reports" });
const labels = { order: "4711" };

/** Of a type that nobody announces. */
const UNKNOWN = anyPack(ErrorInfoSchema, create(ErrorInfoSchema));

function isOrder(first: TaskEvent | undefined): boolean {
  return first?.facet.case === "spec" && first.facet.value.labels["order"] === labels.order;
}

describe("submitting", () => {
  test("the same request id, at once through two gateways and again later, is one task", async ({
    system,
    gateway: one,
  }) => {
    await using two = await system.gateway();
    await typesKnown(two);
    const spec = { input: scriptOf({ steps: 1 }), labels };
    const request = { requestId: "order 4711 / page", spec };

    const gateways = [one, two, one, two, one, two];
    const answers = await Promise.all(gateways.map(({ client }) => client.submitTask(request)));
    const [taskId] = answers.map(({ task }) => task?.id);
    await historyOf(one, taskId ?? "");
    const later = await two.client.submitTask(request);

    expect(new Set([...answers, later].map(({ task }) => task?.id)).size).toBe(1);
    expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    expect(later).toMatchObject({ deduplicated: true, task: { state: TaskState.SUCCEEDED } });
    const log = [...(await readLog(system.nats.url)).values()];
    expect(log.filter(([first]) => isOrder(first))).toHaveLength(1);
    const states = statesOf(await historyOf(one, taskId ?? "")).filter((s) => s !== "QUEUED 0");
    expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("the same id for something else is ALREADY_EXISTS", async ({ gateway }) => {
    await gateway.client.submitTask({ taskId: "mine", spec: { input: scriptOf({}) } });

    const error = await errorOf(
      gateway.client.submitTask({ taskId: "mine", spec: { input: scriptOf({ steps: 1 }) } }),
    );
    expect(error.code).toBe(Code.AlreadyExists);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "TASK_ID_TAKEN", domain: "millrace", metadata: { task_id: "mine" } },
    ]);
  });

  test("defaults are filled in, so that the task says what holds for it", async ({ gateway }) => {
    const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
    expect(task?.spec).toMatchObject({ queue: "default", priority: Priority.NORMAL });
    expect(task?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test("what is wrong with an input is said field by field, by the rules of its type", async ({
    system,
    gateway,
  }) => {
    await using _worker = await system.worker(
      { MILLRACE_QUEUES: "reports" },
      "services/worker/main.ts",
    );
    await typesKnown(gateway, 3);
    const input = anyPack(SummarizePageSchema, create(SummarizePageSchema, { url: "not a url" }));

    const error = await errorOf(gateway.client.submitTask({ spec: { input } }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(violationsOf(error)).toContain("spec.input.url");
  });

  test("a bad spec is refused with every field that is wrong", async ({ gateway }) => {
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

  test("both ids at once are refused, for each of them is the key", async ({ gateway }) => {
    const error = await errorOf(
      gateway.client.submitTask({ taskId: "a", requestId: "b", spec: { input: scriptOf({}) } }),
    );
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.message).toContain("task_id");
  });

  test("a queue that does not exist is refused with those that do", async ({ gateway }) => {
    const error = await errorOf(
      gateway.client.submitTask({ spec: { queue: "other", input: scriptOf({}) } }),
    );
    expect(violationsOf(error)).toEqual(["spec.queue"]);
    expect(error.message).toContain("default, reports");
  });

  test("a task type that nobody has announced is FAILED_PRECONDITION", async ({ gateway }) => {
    const error = await errorOf(gateway.client.submitTask({ spec: { input: UNKNOWN } }));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.message).toContain("google.rpc.ErrorInfo");
  });

  test("an unknown id is NOT_FOUND for every method that takes one", async ({ gateway }) => {
    const { client } = gateway;
    const watch = async () => {
      for await (const _ of client.watchTask({ taskId: "nobody" })) expect.unreachable();
    };
    const errors = await Promise.all([
      errorOf(client.getTask({ taskId: "nobody" })),
      errorOf(client.cancelTask({ taskId: "nobody" })),
      errorOf(watch()),
    ]);
    for (const { code } of errors) expect(code).toBe(Code.NotFound);
  });

  test("a finished task can't be canceled and keeps its output", async ({ gateway }) => {
    const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
    await historyOf(gateway, task?.id ?? "");

    const error = await errorOf(gateway.client.cancelTask({ taskId: task?.id ?? "" }));
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.message).toContain("SUCCEEDED");
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task?.output).toBeDefined();
  });

  test("RunTask submits and watches in one call; of a task that was there, it tells the whole history", async ({
    gateway,
  }) => {
    const submit = { taskId: "run", spec: { input: scriptOf({ steps: 1 }) } };
    const run = async () => {
      const kinds: string[] = [];
      for await (const { update } of gateway.client.runTask({ submit })) {
        const { kind } = update ?? {};
        kinds.push(kind?.case === "event" ? String(kind.value.facet.case) : String(kind?.case));
      }
      return kinds;
    };
    const [snapshot, ...first] = await run();
    expect(snapshot).toBe("snapshot");
    expect([first.at(0), first.at(-1)]).toEqual(["state", "state"]);
    expect(await run()).toEqual(["snapshot", "spec", ...first]);
  });

  test("a repeat of RunTask watches the same task, and each of the two is one watcher", async ({
    gateway,
  }) => {
    const later = { case: "delay" as const, value: { seconds: 60n } };
    const submit = { taskId: "run-twice", spec: { input: scriptOf({}), start: later } };
    const left = new AbortController();
    const watching = async () =>
      sampleOf(await metricsOf(gateway.url), "millrace_gateway_watchers");
    await until(async () => (await watching()) === 0);
    for (const count of [1, 2]) {
      const updates = gateway.client.runTask({ submit }, left)[Symbol.asyncIterator]();
      const { value } = await updates.next();
      expect(value?.update?.kind.value).toMatchObject({ id: "run-twice" });
      expect(await watching()).toBe(count);
    }
    left.abort();
    await gateway.client.cancelTask({ taskId: "run-twice" });
  });
});
