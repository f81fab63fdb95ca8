import { expect } from "vitest";
import { startTestCluster } from "#test/support/cluster.ts";
import { longRow, seconds } from "#test/support/fault-row.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { System, typesKnown } from "#test/support/system.ts";

/** Servers choose a new leader within 10 s; of a stream that was being made, once more after that. */
const READY_MS = 20_000;

longRow(
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
    await submitPatiently(() => [gateway], "first", {});
    await watchPatiently(() => [gateway], "first");
    await system.nats.led();
    await checkLedger(system.nats.url, ["first"]);
  },
  120_000,
);
