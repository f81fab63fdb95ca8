import { expect } from "vitest";
import { type ClusterNode, startTestCluster, type TestCluster } from "#test/support/cluster.ts";
import { type FaultRow, faultRow, longRow, seconds } from "#test/support/fault-row.ts";
import { RouteProxies } from "#test/support/route-proxies.ts";
import type { Service } from "#test/support/service.ts";
import { System, scriptOf, typesKnown } from "#test/support/system.ts";
import { Traffic } from "#test/support/traffic.ts";
import { until } from "#test/support/until.ts";

const LOG = "MR_EVENTS";
/** What servers take to choose leaders among those that are left, and then what services take to find one of them. */
const FOUND_MS = 20_000;

interface Serving extends AsyncDisposable {
  readonly service: Service;
}

/** The servers that a service has worked with, the last one last. */
function serversOf(service: Service): string[] {
  return service.entries.flatMap(({ msg, server }) =>
    msg === "broker is up" ? [`nats://${server}`] : [],
  );
}

/** Services choose their servers by chance: starts one after the other until one has chosen as wanted. */
async function startWhere<T extends Serving>(
  start: () => Promise<T>,
  isWanted: (url: string | undefined) => boolean,
): Promise<T> {
  for (;;) {
    const started = await start();
    if (isWanted(serversOf(started.service).at(-1))) return started;
    await started[Symbol.asyncDispose]();
  }
}

interface Scene {
  /** The server that will be cut off. */
  readonly victim: ClusterNode;
  /** On the server that will be cut off. */
  readonly cutOff: readonly Serving[];
  readonly elsewhere: readonly Serving[];
}

async function underPartition(
  row: FaultRow,
  place: (cluster: TestCluster, victim: ClusterNode) => Promise<void>,
  check: (scene: Scene) => void,
): Promise<void> {
  await using proxies = new RouteProxies();
  await using system = System.on(await startTestCluster(proxies), { MILLRACE_REPLICAS: "3" });
  const [victim] = system.nats.nodes;
  if (!victim) throw new Error("a cluster has nodes");
  const isThere = (url: string | undefined) => url === victim.url;
  const gateway = await startWhere(() => system.gateway(), isThere);
  const worker = await startWhere(() => system.worker(), isThere);
  const others = [
    await startWhere(
      () => system.gateway(),
      (url) => !isThere(url),
    ),
    await startWhere(
      () => system.worker(),
      (url) => !isThere(url),
    ),
  ] as const;
  const gateways = [gateway, others[0]];
  await Promise.all(gateways.map(typesKnown));
  await place(system.nats, victim);
  await system.nats.whole();
  const traffic = new Traffic({ gateways: () => gateways, random: row.random });
  await until(() => traffic.accepted > 20);

  const scene = { victim, cutOff: [gateway, worker], elsewhere: others };
  proxies.cutOff(victim.name);
  const cutAtMs = Date.now();
  const hasMoved = ({ service }: Serving) => !isThere(serversOf(service).at(-1));
  await until(() => scene.cutOff.every(hasMoved), FOUND_MS);
  row.figure("on another server after", seconds(Date.now() - cutAtMs));
  await until(() => submits(gateway), FOUND_MS - (Date.now() - cutAtMs));
  row.figure("a submit was accepted after", seconds(Date.now() - cutAtMs));
  const before = traffic.accepted;
  await until(() => traffic.accepted > before + 20);
  check(scene);
  proxies.heal();
  await system.nats.whole();
  row.figure("tasks", traffic.accepted);
  await traffic.checkAll(system.nats.url);
}

async function submits({ client }: Awaited<ReturnType<System["gateway"]>>): Promise<boolean> {
  const { task } = await client.submitTask({ spec: { input: scriptOf({}) } });
  return task !== undefined;
}

faultRow(
  "services whose server is cut off from its cluster while it leads the log go over to another one",
  (row) =>
    underPartition(
      row,
      (cluster, victim) => cluster.lead(LOG, victim),
      () => {},
    ),
  180_000,
);

longRow(
  "a server that is cut off from its cluster is noticed only by those that are connected to it",
  (row) =>
    underPartition(
      row,
      async (cluster, victim) => {
        const other = cluster.nodes.find((node) => node !== victim);
        if (other) await cluster.lead(LOG, other);
      },
      ({ elsewhere }) => {
        const messages = elsewhere.flatMap(({ service }) => service.entries.map(({ msg }) => msg));
        expect(messages).not.toContain("broker is away");
      },
    ),
  180_000,
);
