import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { System, scriptOf, typesKnown } from "#test/support/system.ts";

const IN_A_SECOND = { case: "delay" as const, value: { seconds: 1n, nanos: 0 } };
const IN_AN_HOUR = { case: "delay" as const, value: { seconds: 3_600n, nanos: 0 } };
const WITHIN_A_SECOND = { case: "ttl" as const, value: { seconds: 1n, nanos: 0 } };

/** The monitor's counts, less what is 0. */
async function countsAt(url: string): Promise<Record<string, bigint>> {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
  const { overview } = await createClient(MonitorService, transport).getOverview({});
  const counts = Object.entries(overview?.tasks ?? {}).flatMap(([state, tasks]) =>
    typeof tasks === "bigint" && tasks > 0n ? [[state, tasks] as const] : [],
  );
  return Object.fromEntries(counts);
}

test("the monitor counts what gateway and workers do, as tasks wait for their time, expire, start again and are deleted", async () => {
  await using system = await System.start({ MILLRACE_QUEUES: "default,unserved" });
  const [gateway] = await Promise.all([
    system.gateway(),
    system.worker({ MILLRACE_QUEUES: "default" }),
  ]);
  await typesKnown(gateway);
  const { client } = gateway;
  const monitor = system.spawn("services/monitor/main.ts");
  const url = String((await monitor.logged("monitor is up"))["page"]);
  const counted = (expected: Record<string, bigint>) =>
    expect.poll(() => countsAt(url), { timeout: 30_000 }).toEqual(expected);

  const input = scriptOf({});
  await client.submitTask({ taskId: "scheduled", spec: { input, start: IN_AN_HOUR } });
  await client.submitTask({ taskId: "soon", spec: { input, start: IN_A_SECOND } });
  const queue = "unserved";
  await client.submitTask({ taskId: "late", spec: { input, queue, expiry: WITHIN_A_SECOND } });
  const failing = { input: scriptOf({ failures: 1 }), retryPolicy: { maxAttempts: 1 } };
  await client.submitTask({ taskId: "dead-letter", spec: failing });
  await counted({ scheduled: 1n, succeeded: 1n, expired: 1n, failed: 1n });

  await client.retryTask({ taskId: "dead-letter" });
  await client.retryTask({ taskId: "late" });
  await counted({ scheduled: 1n, succeeded: 2n, queued: 1n });

  await client.deleteTask({ taskId: "soon" });
  await client.cancelTask({ taskId: "scheduled" });
  await counted({ canceled: 1n, succeeded: 1n, queued: 1n });
  await client.deleteTask({ taskId: "scheduled" });
  await counted({ succeeded: 1n, queued: 1n });
});
