import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Priority, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { historyOf, System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";

/** A routing file, gone with the end of the scope. */
async function fileOf(rules: unknown): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-routing-"));
  const path = join(folder, "rules.json");
  await writeFile(path, JSON.stringify(rules));
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

const input = scriptOf({});
const QUEUES = { MILLRACE_QUEUES: "default,slow" };

describe("routing", () => {
  test("a rule decides where a task waits, as far as its caller does not", async () => {
    await using rules = await fileOf([
      { taskType: "test.scripted", labels: { team: "a" }, queue: "slow", priority: "LOW" },
    ]);
    await using system = await System.start({ ...QUEUES });
    const gateway = await system.gateway({ MILLRACE_ROUTING_FILE: rules.path });
    await system.worker();
    await typesKnown(gateway);
    const placeOf = async (spec: { queue?: string; labels?: Record<string, string> }) => {
      const { task } = await gateway.client.submitTask({ spec: { input, ...spec } });
      const events = await historyOf(gateway, task?.id ?? "");
      expect(statesOf(events).at(-1)).toBe("SUCCEEDED 1");
      return [task?.spec?.queue, task?.spec?.priority];
    };
    expect(await placeOf({ labels: { team: "a" } })).toEqual(["slow", Priority.LOW]);
    expect(await placeOf({ labels: { team: "a" }, queue: "default" })).toEqual([
      "default",
      Priority.LOW,
    ]);
    expect(await placeOf({})).toEqual(["default", Priority.NORMAL]);
  });

  test("a repeat finds the first one's task although the rules have changed since", async () => {
    await using before = await fileOf([{ queue: "slow", priority: "HIGH" }]);
    await using after = await fileOf([{ priority: "LOW" }]);
    await using system = await System.start({ ...QUEUES });
    const first = await system.gateway({ MILLRACE_ROUTING_FILE: before.path });
    const worker = await system.worker();
    await typesKnown(first);
    await worker[Symbol.asyncDispose]();
    await first.client.submitTask({ taskId: "one", spec: { input } });

    const second = await system.gateway({ MILLRACE_ROUTING_FILE: after.path });
    await typesKnown(second);
    const repeated = await second.client.submitTask({ taskId: "one", spec: { input } });
    expect(repeated.deduplicated).toBe(true);
    expect(repeated.task?.spec).toMatchObject({ queue: "slow", priority: Priority.HIGH });
  });

  test("a repeat of a submit that was never answered puts the task where the first one meant it to wait", async () => {
    await using rules = await fileOf([{ queue: "default" }]);
    await using system = await System.start({ ...QUEUES });
    const gateway = await system.gateway({ MILLRACE_ROUTING_FILE: rules.path });
    await system.worker({ MILLRACE_QUEUES: "slow" });
    await typesKnown(gateway);
    // What a gateway with other rules leaves that dies between spec and queue.
    await using broker = await openTestBroker(system.nats.url, { queues: ["default", "slow"] });
    const spec = { input, queue: "slow", priority: Priority.NORMAL };
    await broker.log.begin("orphan", create(TaskSpecSchema, spec));

    await gateway.client.submitTask({ taskId: "orphan", spec: { input } });
    expect(statesOf(await historyOf(gateway, "orphan")).at(-1)).toBe("SUCCEEDED 1");
  });

  test("a gateway with a wrong rule does not start, and says which and why", async () => {
    await using rules = await fileOf([{ queue: "slow" }, { queue: "fast" }]);
    await using system = await System.start({ ...QUEUES });
    const gateway = system.spawn("services/gateway/main.ts", { MILLRACE_ROUTING_FILE: rules.path });
    expect(await gateway.exited).toBe(2);
    expect(gateway.tail()).toContain("rule 2: queue: must be one of default, slow, not");
    expect(gateway.tail() + gateway.stderr).not.toContain("    at ");
  });
});
