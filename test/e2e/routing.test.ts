import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { Priority, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";

/** One worker, and gateways of each test's own, with its rules. Nobody serves the last queue. */
const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,slow,unserved" }).extend(
  "server",
  { scope: "file", auto: true },
  ({ system }) => system.worker({ MILLRACE_QUEUES: "default,slow" }),
);

/** A routing file, gone with the end of the scope. */
async function fileOf(rules: unknown): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-routing-"));
  const path = join(folder, "rules.json");
  await writeFile(path, JSON.stringify(rules));
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

const input = scriptOf({});

describe("routing", () => {
  test("a rule decides where a task waits, as far as its caller does not", async ({ system }) => {
    await using rules = await fileOf([
      { taskType: "test.scripted", labels: { team: "a" }, queue: "slow", priority: "LOW" },
    ]);
    await using gateway = await system.gateway({ MILLRACE_ROUTING_FILE: rules.path });
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

  test("a repeat finds the first one's task although the rules have changed since", async ({
    system,
  }) => {
    await using before = await fileOf([{ queue: "unserved", priority: "HIGH" }]);
    await using after = await fileOf([{ priority: "LOW" }]);
    await using first = await system.gateway({ MILLRACE_ROUTING_FILE: before.path });
    await typesKnown(first);
    await first.client.submitTask({ taskId: "one", spec: { input } });

    await using second = await system.gateway({ MILLRACE_ROUTING_FILE: after.path });
    await typesKnown(second);
    const repeated = await second.client.submitTask({ taskId: "one", spec: { input } });
    expect(repeated.deduplicated).toBe(true);
    expect(repeated.task?.spec).toMatchObject({ queue: "unserved", priority: Priority.HIGH });
  });

  test("a repeat of a submit that was never answered puts the task where the first one meant it to wait", async ({
    system,
  }) => {
    await using rules = await fileOf([{ queue: "unserved" }]);
    await using gateway = await system.gateway({ MILLRACE_ROUTING_FILE: rules.path });
    await typesKnown(gateway);
    // What a gateway with other rules leaves that dies between spec and queue.
    await using broker = await openTestBroker(system.nats.url, { queues: ["slow"] });
    const spec = { input, queue: "slow", priority: Priority.NORMAL };
    await broker.log.begin("orphan", create(TaskSpecSchema, spec));

    await gateway.client.submitTask({ taskId: "orphan", spec: { input } });
    expect(statesOf(await historyOf(gateway, "orphan")).at(-1)).toBe("SUCCEEDED 1");
  });

  test("a gateway with a wrong rule does not start, and says which and why", async ({ system }) => {
    await using rules = await fileOf([{ queue: "slow" }, { queue: "fast" }]);
    await using gateway = system.spawn("services/gateway/main.ts", {
      MILLRACE_ROUTING_FILE: rules.path,
    });
    expect(await gateway.exited).toBe(2);
    expect(gateway.tail()).toContain("rule 2: queue: must be one of default, slow, unserved, not");
    expect(gateway.tail() + gateway.stderr).not.toContain("    at ");
  });
});
