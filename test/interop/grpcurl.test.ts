import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { typesKnown } from "#test/support/system.ts";
import { toolBin } from "./go-tools.ts";

/** Besides the shared worker's, one of a worker with other task types, and one that is paused and limited. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,pages,paused" });
const run = promisify(execFile);
const grpcurl = await toolBin("grpcurl", "-version");

const SCRIPT = {
  spec: {
    input: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { steps: 2 } },
  },
};

/** What grpcurl prints for a stream: JSON values, one after another. */
function messages(printed: string): Record<string, Record<string, never>>[] {
  return JSON.parse(`[${printed.trim().replaceAll(/^}\n{/gm, "},{")}]`);
}

describe.skipIf(!grpcurl)("grpcurl, without a single .proto file", () => {
  const call = async (address: string, ...args: string[]) => {
    const given = args.length > 1 ? ["-d", args[1] ?? ""] : [];
    const what = args[0]?.startsWith("list") ? args : [args[0] ?? ""];
    return (await run(grpcurl ?? "", ["-plaintext", ...given, address, ...what])).stdout;
  };

  test("lists and describes the services, and the types that workers have announced", async ({
    system,
    gateway,
  }) => {
    await using _worker = await system.worker(
      { MILLRACE_QUEUES: "pages" },
      "services/worker/main.ts",
    );
    await typesKnown(gateway, 3);
    const { address } = gateway;

    const services = await call(address, "list");
    expect(services.trim().split("\n")).toEqual(
      expect.arrayContaining([
        "grpc.health.v1.Health",
        "millrace.v1.QueueService",
        "millrace.v1.TaskService",
      ]),
    );
    const described = await run(grpcurl ?? "", [
      "-plaintext",
      address,
      "describe",
      "millrace.tasks.v1.SummarizePage",
    ]);
    expect(described.stdout).toContain("string url = 1");
  });

  test("submits a task in JSON and watches it to its end", async ({ gateway }) => {
    const { address } = gateway;

    const submitted = await call(
      address,
      "millrace.v1.TaskService/SubmitTask",
      JSON.stringify(SCRIPT),
    );
    const taskId = String(JSON.parse(submitted).task.id);
    const watched = await call(
      address,
      "millrace.v1.TaskService/WatchTask",
      JSON.stringify({ task_id: taskId }),
    );
    const states = messages(watched).map(({ update }) => update?.["event"]?.["state"]?.["state"]);
    expect(states.filter(Boolean)).toEqual(["TASK_STATE_RUNNING", "TASK_STATE_SUCCEEDED"]);
  });

  test("lists, pauses and limits queues", async ({ gateway }) => {
    const { address } = gateway;
    const queues = async (method: string, request: object) =>
      JSON.parse(
        await call(address, `millrace.v1.QueueService/${method}`, JSON.stringify(request)),
      );

    expect((await queues("ListQueues", {})).queues).toMatchObject([
      { name: "default" },
      { name: "pages" },
      { name: "paused" },
    ]);
    const paused = await queues("PauseQueue", { queue: "paused", reason: "maintenance" });
    expect(paused.queue.pause.reason).toBe("maintenance");
    const limited = await queues("SetQueueLimits", { queue: "paused", max_tasks: 5 });
    expect(limited.queue).toMatchObject({ maxTasks: "5", pause: { reason: "maintenance" } });
    const purge = queues("PurgeQueue", { queue: "paused" });
    await expect(purge).rejects.toThrow(/InvalidArgument[\s\S]*confirm_count/);
    await expect(queues("ResumeQueue", { queue: "fast" })).rejects.toThrow(/NotFound/);
  });

  test("asks for health", async ({ gateway }) => {
    const { address } = gateway;
    const answer = await call(address, "grpc.health.v1.Health/Check", "{}");
    expect(JSON.parse(answer)).toEqual({ status: "SERVING" });
  });
});
