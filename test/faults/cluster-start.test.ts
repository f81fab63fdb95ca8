import { expect } from "vitest";
import { startTestCluster } from "#test/support/cluster.ts";
import { faultRow, seconds } from "#test/support/fault-row.ts";
import { historyOf, System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";

/** Servers choose a new leader within 10 s. */
const READY_MS = 17_000;

faultRow(
  "services that start for the first time while the cluster loses its leader are soon ready",
  async (row) => {
    await using system = System.on(await startTestCluster(), { MILLRACE_REPLICAS: "3" });
    const starting = Promise.all([system.gateway(), system.gateway(), system.worker()]);
    starting.catch(() => {});
    // They have begun to make their streams.
    await system.nats.leaderOf("MR_EVENTS");
    const victim = await system.nats.leaderOfAll();
    await victim.stop("SIGKILL");
    const lostAtMs = Date.now();
    const [gateway] = await starting;
    const readyMs = Date.now() - lostAtMs;
    row.figure("ready after", seconds(readyMs));
    expect(readyMs).toBeLessThan(READY_MS);

    await typesKnown(gateway);
    const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  },
  120_000,
);
