import { create, createRegistry } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, StructSchema } from "@bufbuild/protobuf/wkt";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  file_google_rpc_error_details,
  RetryInfoSchema,
} from "#gen/google/rpc/error_details_pb.ts";
import type { Status } from "#gen/google/rpc/status_pb.ts";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import {
  type SubmitTasksResponse,
  type SubmitTasksResult,
  TaskService,
} from "#gen/millrace/v1/task_service_pb.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { type Gateway, historyOf, scriptOf, statesOf } from "#test/support/system.ts";

const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,unserved,full" });

type Tasks = Client<typeof TaskService>;

/** Both of the gateway's doors; the second one speaks JSON. */
function doorsOf(gateway: Gateway): readonly Tasks[] {
  const registry = createRegistry(StructSchema, file_google_rpc_error_details);
  const transport = createConnectTransport({
    baseUrl: gateway.url,
    httpVersion: "1.1",
    useBinaryFormat: false,
    jsonOptions: { registry },
  });
  return [gateway.client, createClient(TaskService, transport)];
}

function acceptedOf({ outcome }: SubmitTasksResult) {
  return outcome.case === "accepted" ? outcome.value : undefined;
}

function errorIn({ outcome }: SubmitTasksResult): Status | undefined {
  return outcome.case === "error" ? outcome.value : undefined;
}

function reasonsOf({ results }: SubmitTasksResponse): string[] {
  return results.map((result) => {
    const infos = errorIn(result)?.details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
    return infos?.find((info) => info !== undefined)?.reason ?? "accepted";
  });
}

const input = scriptOf({});

describe("SubmitTasks", () => {
  test("accepts each task on its own, and says in their order what is wrong with the others", async ({
    gateway,
  }) => {
    const unknown = anyPack(ErrorInfoSchema, create(ErrorInfoSchema));
    for (const tasks of doorsOf(gateway)) {
      const { results } = await tasks.submitTasks({
        tasks: [
          { spec: { input, priority: Priority.HIGH } },
          { spec: { input, queue: "Not A Queue" } },
          { spec: { input, queue: "elsewhere" } },
          { taskId: "a", requestId: "b", spec: { input } },
          {},
          { spec: { input: unknown } },
          { spec: { input } },
        ],
      });
      expect(results.map((result) => errorIn(result)?.message)).toEqual([
        undefined,
        expect.stringMatching(/^tasks\[1\]\.spec\.queue: /),
        'tasks[2].spec.queue: there is no queue "elsewhere"; there are: default, unserved, full',
        expect.stringMatching(/^tasks\[3\]: .*task_id/),
        expect.stringMatching(/^tasks\[4\]\.spec: /),
        expect.stringContaining("google.rpc.ErrorInfo"),
        undefined,
      ]);
      const ids = results.flatMap((result) => acceptedOf(result)?.task?.id ?? []);
      expect(ids).toHaveLength(2);
      for (const id of ids) {
        const events = await historyOf(gateway, id);
        expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      }
    }
  });

  test("answers as SubmitTask does: errors with their details, tasks with where they wait", async ({
    gateway,
  }) => {
    for (const tasks of doorsOf(gateway)) {
      const { results } = await tasks.submitTasks({
        tasks: [{ spec: { input, queue: "Not A Queue" } }, { spec: { input } }],
      });
      const [wrong, right] = results;
      const [, bad] = (wrong && errorIn(wrong)?.details) ?? [];
      expect(bad && anyUnpack(bad, BadRequestSchema)?.fieldViolations).toMatchObject([
        { field: "tasks[0].spec.queue", reason: "string.pattern" },
      ]);
      const spec = right && acceptedOf(right)?.task?.spec;
      expect(spec).toMatchObject({ queue: "default", priority: Priority.NORMAL });
      expect(spec?.input).toBeUndefined();
    }
  });

  test("takes 1,000 tasks, and refuses none and 1,001 as a whole", async ({ gateway }) => {
    for (const tasks of doorsOf(gateway)) {
      const spec = { input, queue: "unserved" };
      const many = Array.from({ length: 1_001 }, () => ({ spec }));
      const { results } = await tasks.submitTasks({ tasks: many.slice(1) });
      const ids = results.map((result) => acceptedOf(result)?.task?.id);
      expect(new Set(ids).size).toBe(1_000);
      expect(ids).not.toContain(undefined);

      for (const wrong of [[], many]) {
        const error = await errorOf(tasks.submitTasks({ tasks: wrong }));
        expect(error.code).toBe(Code.InvalidArgument);
        expect(violationsOf(error)).toEqual(["tasks"]);
        expect(error.message).toContain(wrong.length === 0 ? "at least 1 item" : "1000 item");
      }
    }
  });

  test("gives the same task for the same id, in one call and in the next", async ({ gateway }) => {
    const twice = [
      { taskId: "one", spec: { input } },
      { requestId: "two", spec: { input } },
      { taskId: "one", spec: { input } },
      { requestId: "two", spec: { input } },
      { taskId: "one", spec: { input, labels: { other: "spec" } } },
    ];
    const first = await gateway.client.submitTasks({ tasks: twice });
    const second = await gateway.client.submitTasks({ tasks: twice.slice(0, 2) });
    const [one, two, oneAgain, twoAgain] = first.results.map((each) => acceptedOf(each));
    expect([one?.task?.id, oneAgain?.task?.id]).toEqual(["one", "one"]);
    expect(two?.task?.id).toBe(twoAgain?.task?.id);
    expect([one?.deduplicated, oneAgain?.deduplicated].sort()).toEqual([false, true]);
    expect(reasonsOf(first).at(-1)).toBe("TASK_ID_TAKEN");
    expect(second.results.map((each) => acceptedOf(each)?.deduplicated)).toEqual([true, true]);
    expect(statesOf(await historyOf(gateway, "one")).at(-1)).toBe("SUCCEEDED 1");
  });

  test("accepts as many as their queue has room for, and says of the others when to ask again", async ({
    gateway,
  }) => {
    const queue = "full";
    await gateway.queues.setQueueLimits({ queue, maxTasks: 2n });
    const tasks = ["a", "b", "c", "d"].map((taskId) => ({ taskId, spec: { input, queue } }));
    const answer = await gateway.client.submitTasks({ tasks });
    expect(reasonsOf(answer).sort()).toEqual(["QUEUE_FULL", "QUEUE_FULL", "accepted", "accepted"]);
    for (const error of answer.results.map(errorIn).filter((each) => each !== undefined)) {
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.details.some((detail) => anyUnpack(detail, RetryInfoSchema))).toBe(true);
    }
  });

  test("a request above 4 MiB is refused as a whole, with the limit", async ({ gateway }) => {
    const large = scriptOf({ permanent: "x".repeat(60_000) });
    for (const tasks of doorsOf(gateway)) {
      const many = Array.from({ length: 80 }, () => ({ spec: { input: large } }));
      const error = await errorOf(tasks.submitTasks({ tasks: many }));
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.message).toContain("4194304");
    }
  });

  test("tells what it accepted, even where the errors of the others would fill the answer", async ({
    gateway,
  }) => {
    const wrong = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`${index}-${"K".repeat(60)}`, ""]),
    );
    const tasks = Array.from({ length: 1_000 }, () => ({ spec: { input, labels: wrong } }));
    const answer = await gateway.client.submitTasks({
      tasks: [...tasks.slice(1), { taskId: "last", spec: { input } }],
    });
    const [first] = answer.results;
    expect(first && errorIn(first)).toMatchObject({ code: Code.InvalidArgument, details: [] });
    expect(answer.results.map((each) => acceptedOf(each)?.task?.id).at(-1)).toBe("last");
  });
});
