import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Priority, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { type Gateway, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

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
});
