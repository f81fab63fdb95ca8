import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Priority, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { errorOf } from "#test/support/errors.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { type Gateway, System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const LEFT = "millrace_gateway_history_tasks_left_total";
const LEADER = "millrace_gateway_janitor_leader";

async function isLeading({ url }: Gateway): Promise<boolean> {
  return sampleOf(await metricsOf(url), LEADER) === 1;
}

/** Those of the gateways whose janitor says that it leads. */
async function leaders(gateways: readonly Gateway[]): Promise<Gateway[]> {
  const leading = await Promise.all(gateways.map(isLeading));
  return gateways.filter((_, index) => leading[index]);
}

/** Waits until one of them leads. */
async function leaderOf(gateways: readonly Gateway[], withinMs = 15_000): Promise<Gateway> {
  let leader: Gateway | undefined;
  await until(async () => {
    [leader] = await leaders(gateways);
    return leader !== undefined;
  }, withinMs);
  if (!leader) throw new Error("nobody leads");
  return leader;
}

async function untilEnded({ client }: Gateway, taskId: string): Promise<void> {
  await until(async () => {
    const { task } = await client.getTask({ taskId });
    return task?.endTime !== undefined;
  }, 45_000);
}

/** Leaves a task behind as a gateway does that dies between its two writes. */
async function leaveOrphan(natsUrl: string, taskId: string): Promise<void> {
  await using broker = await openTestBroker(natsUrl);
  const spec = create(TaskSpecSchema, {
    input: scriptOf({ steps: 1 }),
    queue: "default",
    priority: Priority.NORMAL,
  });
  const begun = await broker.log.begin(taskId, spec);
  expect(begun).toBeDefined();
}

// What takes long here is waiting until a task is old, or a lease over, not work.
describe.concurrent("the janitor", () => {
  test("a task whose gateway died before it enqueued it runs, and nobody had to ask", async () => {
    await using system = await System.start();
    await leaveOrphan(system.nats.url, "orphan");
    const { gateway } = await system.running();
    await system.gateway();
    await untilEnded(gateway, "orphan");
    const log = await checkLedger(system.nats.url, ["orphan"]);
    expect(statesOf(log.get("orphan") ?? []).slice(-2)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  });

  test("one of two gateways looks after orphans; when it is killed the other one does within 15 s", async () => {
    await using system = await System.start();
    const gateways = [await system.gateway(), await system.gateway()];
    const leader = await leaderOf(gateways);
    expect(await leaders(gateways)).toEqual([leader]);
    const others = gateways.filter((gateway) => gateway !== leader);
    leader.service.kill("SIGKILL");
    await leaderOf(others, 15_000);
  });

  test("a leader that was frozen and wakes up leads no more, and does no harm", async () => {
    await using system = await System.start();
    await system.worker();
    const gateways = [await system.gateway(), await system.gateway()];
    const leader = await leaderOf(gateways);
    const others = gateways.filter((gateway) => gateway !== leader);
    await leaveOrphan(system.nats.url, "orphan");
    leader.service.kill("SIGSTOP");
    const next = await leaderOf(others);
    leader.service.kill("SIGCONT");
    await until(async () => !(await isLeading(leader)));
    expect(await leaders(gateways)).toEqual([next]);
    await untilEnded(next, "orphan");
    await checkLedger(system.nats.url, ["orphan"]);
  });

  test("a leader that is asked to stop hands over at once", async () => {
    await using system = await System.start();
    const gateways = [await system.gateway(), await system.gateway()];
    const leader = await leaderOf(gateways);
    const others = gateways.filter((gateway) => gateway !== leader);
    leader.service.kill("SIGTERM");
    expect(await leader.service.exited).toBe(0);
    // Half of the 10 s after which it would be anyone's.
    await leaderOf(others, 5_000);
  });

  test("a leader that is killed while it makes room loses no task that has not ended; the next one goes on, and nothing is refused", async () => {
    await using system = await System.start({ MILLRACE_HISTORY_MAX_BYTES: String(4 * 2 ** 20) });
    const { gateway } = await system.running();
    const gateways = [gateway, await system.gateway()];
    const leader = await leaderOf(gateways);
    const [other = gateway] = gateways.filter((each) => each !== leader);
    await typesKnown(other, 2);
    const { client } = other;
    const start = { case: "delay", value: durationFromMs(3_600_000) } as const;
    const input = scriptOf({ outputBytes: 2_000 });
    await client.submitTask({ taskId: "planned", spec: { input, start } });
    await client.submitTask({ taskId: "dead", spec: { input: scriptOf({ permanent: "BAD" }) } });
    const kept = { input, keepFor: durationFromMs(1_000) };
    await client.submitTask({ taskId: "kept", spec: kept });

    const submit = async (count: number) => {
      const tasks = Array.from({ length: count }, () => ({ spec: { input } }));
      const { results } = await client.submitTasks({ tasks });
      expect(results.filter(({ outcome }) => outcome.case !== "accepted")).toEqual([]);
    };
    const leftOf = async ({ url }: Gateway) => {
      const { samples } = await metricsOf(url);
      return (
        samples.find(({ name, labels }) => name === LEFT && labels["reason"] === "room")?.value ?? 0
      );
    };
    await until(async () => {
      await submit(50);
      return (await leftOf(leader)) > 0;
    }, 90_000);
    leader.service.kill("SIGKILL");
    await until(async () => {
      await submit(5);
      await setTimeout(300);
      return (await leftOf(other)) > 100;
    }, 60_000);

    const states = await Promise.all(
      ["planned", "dead"].map(async (taskId) => (await client.getTask({ taskId })).task?.state),
    );
    expect(states).toEqual([TaskState.SCHEDULED, TaskState.FAILED]);
    expect(await errorOf(client.getTask({ taskId: "kept" }))).toMatchObject({
      code: Code.NotFound,
    });
  }, 150_000);
});
