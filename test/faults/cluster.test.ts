import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import { type ClusterNode, startTestCluster, type TestCluster } from "#test/support/cluster.ts";
import { type FaultRow, faultRow, longRow, seconds, sized } from "#test/support/fault-row.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { Recovery } from "#test/support/recovery.ts";
import { System, statesOf, typesKnown, wordsOf } from "#test/support/system.ts";
import { Traffic } from "#test/support/traffic.ts";
import { until } from "#test/support/until.ts";

const LOG = "MR_EVENTS";
const QUEUE = "MR_QUEUE_default";
const ROUNDS = sized({ short: 1, long: 4 });
/** In CI only the worst loss. */
const VICTIMS = sized({ short: 1, long: 3 });

type Clustered = System<TestCluster>;

async function underLoad(
  row: FaultRow,
  damage: (system: Clustered, recovery: Recovery) => Promise<void>,
): Promise<void> {
  await using system = System.on(await startTestCluster(), { MILLRACE_REPLICAS: "3" });
  const gateways = await Promise.all([system.gateway(), system.gateway()]);
  const workers = await Promise.all([system.worker(), system.worker(), system.monitor()]);
  await Promise.all(gateways.map(typesKnown));
  const [gateway] = gateways;
  const recovery = new Recovery({ gateway, services: [...gateways, ...workers] });
  const traffic = new Traffic({ gateways: () => gateways, random: row.random });

  // A lane that is new takes its time to be led while a server is away.
  await until(() => traffic.accepted >= 20);
  await damage(system, recovery);
  row.figure("longest recovery", recovery.figure);
  row.figure("tasks", traffic.accepted);
  await traffic.checkAll(system.nats.url, recovery.accepted);
}

/** Whatever a server leads, its loss is healed as soon as the others have chosen new leaders. */
async function loseOne({ nats }: Clustered, recovery: Recovery, victim: ClusterNode) {
  await victim.stop("SIGKILL");
  const lostAt = Date.now();
  const ledAt = await nats.led();
  await recovery.green(ledAt);
  return ledAt - lostAt;
}

faultRow(
  "a cluster of three that loses a server, whatever that led, loses no task and shows watchers all",
  (row) =>
    underLoad(row, async (system, recovery) => {
      const { nats } = system;
      let longestMs = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const victims = [
          () => nats.leaderOf(LOG),
          () => nats.followerOf(LOG),
          () => nats.leaderOf(QUEUE),
        ];
        for (const choose of victims.slice(0, VICTIMS)) {
          const victim = await choose();
          longestMs = Math.max(longestMs, await loseOne(system, recovery, victim));
          row.figure("longest without leaders", seconds(longestMs));
          await setTimeout(row.random() * 3_000);
          await victim.start();
          await nats.whole();
        }
      }
    }),
  180_000 * ROUNDS,
);

longRow(
  "a cluster whose servers are restarted one after the other, as for an upgrade, goes on",
  (row) =>
    underLoad(row, async ({ nats }, recovery) => {
      for (const node of nats.nodes) {
        await node.stop("SIGTERM");
        await recovery.green(await nats.led());
        await node.start();
        await nats.whole();
      }
    }),
  180_000,
);

longRow(
  "a cluster without a majority is away for everyone, and back for everyone when it has one",
  (row) =>
    underLoad(row, async ({ nats }, recovery) => {
      const [first, second] = nats.nodes.toSorted(() => row.random() - 0.5);
      await Promise.all([first?.stop("SIGKILL"), second?.stop("SIGKILL")]);
      const lostAt = Date.now();
      // Who only reads learns it from the server that is left, which notices within 20 s itself.
      await recovery.red(60_000);
      row.figure("known to be away after", seconds(Date.now() - lostAt));
      await recovery.refused();
      await setTimeout(row.random() * sized({ short: 1_000, long: 30_000 }));
      await first?.start();
      await recovery.green(await nats.led());
      await second?.start();
      await nats.whole();
    }),
  180_000,
);

faultRow("what attempts say reaches a cluster whole, and before their ends", async (row) => {
  await using system = System.on(await startTestCluster(), { MILLRACE_REPLICAS: "3" });
  const { gateway } = await system.running();
  const ids = Array.from({ length: 50 }, (_, index) => `talker-${index}`);
  const idleMs = Math.round(row.random() * 1_000);
  await Promise.all(ids.map((id) => submitPatiently(() => [gateway], id, { steps: 20, idleMs })));
  await Promise.all(ids.map((id) => watchPatiently(() => [gateway], id)));

  const log = await checkLedger(system.nats.url, ids);
  for (const id of ids) {
    const events = log.get(id) ?? [];
    expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    expect(events.filter(({ facet }) => facet.case === "log")).toHaveLength(20);
    expect(wordsOf(events).split(" ")).toHaveLength(21);
  }
});
