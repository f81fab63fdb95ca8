import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { inject } from "vitest";
import { type NatsServerProcess, startNatsServer } from "#cli/nats-server/run-nats-server.ts";
import type { RouteProxies } from "./route-proxies.ts";
import { until } from "./until.ts";
import { unusedPort } from "./unused-port.ts";

const SIZE = 3;
/** A request that finds no leader is not answered; so it is soon asked anew. */
const ANSWER_MS = 1_000;
/** Whose consumers outlive a server. */
const WITH_DURABLES: ReadonlySet<string> = new Set(["MR_QUEUE_default", "MR_SCHEDULE"]);

interface Plan {
  readonly name: string;
  readonly port: number;
  readonly routePort: number;
}

/** A server's own ways to the others. */
interface Routes {
  readonly ports: readonly number[];
  /** The port that others are told of, if it is not the server's own. */
  readonly toldPort?: number;
}

/** Three nats-servers that hold everything three times, gone with the end of the scope; with proxies between them, or none. */
export async function startTestCluster(proxies?: RouteProxies): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-cluster-"));
  const plans = await Promise.all(
    Array.from({ length: SIZE }, async (_, index) => ({
      name: `n${index}`,
      port: await unusedPort(),
      routePort: await unusedPort(),
    })),
  );
  const nodes = await Promise.all(
    plans.map(async (plan) => new ClusterNode(plan, await routesOf(plan, plans, proxies), folder)),
  );
  const cluster = new TestCluster(nodes, folder);
  await Promise.all(nodes.map((node) => node.start()));
  await cluster.hasLeader();
  return cluster;
}

async function routesOf(
  plan: Plan,
  all: readonly Plan[],
  proxies: RouteProxies | undefined,
): Promise<Routes> {
  const peers = all.filter((other) => other !== plan);
  if (!proxies) return { ports: peers.map(({ routePort }) => routePort) };
  const ports = peers.map((peer) => proxies.portFor(plan.name, peer.name, peer.routePort));
  return { ports: await Promise.all(ports), toldPort: await proxies.nowhere() };
}

/** One server of a cluster, which a test may treat badly. */
export class ClusterNode {
  readonly name: string;
  readonly url: string;
  readonly #plan: Plan;
  readonly #routes: Routes;
  readonly #folder: string;
  #server: NatsServerProcess | undefined;

  constructor(plan: Plan, routes: Routes, folder: string) {
    this.name = plan.name;
    this.url = `nats://127.0.0.1:${plan.port}`;
    this.#plan = plan;
    this.#routes = routes;
    this.#folder = folder;
  }

  get isUp(): boolean {
    return this.#server !== undefined;
  }

  get storeDir(): string {
    return join(this.#folder, this.name);
  }

  /** The name of the server that leads the cluster as a whole, as this one knows it. */
  async leaderOfAll(): Promise<string | undefined> {
    const answer = await fetch(`${this.#server?.monitorUrl}/jsz`);
    const { meta_cluster: all } = (await answer.json()) as { meta_cluster?: { leader?: string } };
    return all?.leader;
  }

  /** Serves, on the same port with the same store every time. */
  async start(): Promise<void> {
    const { name, port, routePort } = this.#plan;
    const { ports, toldPort } = this.#routes;
    this.#server = await startNatsServer({
      bin: inject("natsServerBin"),
      storeDir: this.storeDir,
      port,
      monitorPort: 0,
      extraConfig: {
        server_name: name,
        cluster: {
          name: "millrace",
          listen: `127.0.0.1:${routePort}`,
          routes: ports.map((route) => `nats://127.0.0.1:${route}`),
          ...(toldPort && { advertise: `127.0.0.1:${toldPort}` }),
        },
      },
    });
  }

  /** Resolves when the server is gone. */
  async stop(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.#server?.kill(signal);
    await this.#server?.stop();
    this.#server = undefined;
  }
}

interface Managing {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
}

interface Named {
  readonly consumers: readonly string[];
}

interface Held {
  readonly cluster?: StreamInfo["cluster"];
}

/** Lists would wait for the servers that are away, so each is asked for by its name. */
async function infosOf({ nc, jsm }: Managing): Promise<Held[]> {
  const streams = await jsm.streams.names().next();
  const durables = await Promise.all(
    streams
      .filter((stream) => WITH_DURABLES.has(stream))
      .map(async (stream) => {
        const { consumers } = (await nc.request(`$JS.API.CONSUMER.NAMES.${stream}`)).json<Named>();
        return consumers.map((consumer) => [stream, consumer] as const);
      }),
  );
  return Promise.all([
    ...streams.map((name) => jsm.streams.info(name)),
    ...durables.flat().map(([stream, consumer]) => jsm.consumers.info(stream, consumer)),
  ]);
}

function isLed({ cluster }: Held): boolean {
  return Boolean(cluster?.leader);
}

function isWhole({ cluster }: Held): boolean {
  const { leader, replicas = [] } = cluster ?? {};
  return Boolean(leader) && replicas.length === SIZE - 1 && replicas.every((peer) => peer.current);
}

export class TestCluster implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly url: string;
  readonly #folder: string;

  constructor(nodes: readonly ClusterNode[], folder: string) {
    this.nodes = nodes;
    this.url = nodes.map(({ url }) => url).join(",");
    this.#folder = folder;
  }

  /** Resolves when the cluster as a whole takes requests. */
  async hasLeader(): Promise<void> {
    await until(async () => {
      await this.#manage(({ jsm }) => jsm.getAccountInfo());
      return true;
    });
  }

  /** The server that decides where streams and consumers go. */
  async leaderOfAll(): Promise<ClusterNode> {
    const name = await this.nodes.find(({ isUp }) => isUp)?.leaderOfAll();
    return this.nodes.find((node) => node.name === name) ?? this.#unreachable();
  }

  /** The server that leads a stream. */
  async leaderOf(stream: string): Promise<ClusterNode> {
    let leader: ClusterNode | undefined;
    await until(async () => {
      const { cluster } = await this.#manage(({ jsm }) => jsm.streams.info(stream));
      leader = this.nodes.find(({ name }) => name === cluster?.leader);
      return leader !== undefined;
    });
    return leader ?? this.#unreachable();
  }

  /** Has a stream led by the server. */
  async lead(stream: string, node: ClusterNode): Promise<void> {
    const wish = JSON.stringify({ placement: { preferred: node.name } });
    await until(async () => {
      if ((await this.leaderOf(stream)) === node) return true;
      await this.#manage(({ nc }) => nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, wish));
      return false;
    });
  }

  /** A server that holds a stream without leading it. */
  async followerOf(stream: string): Promise<ClusterNode> {
    const leader = await this.leaderOf(stream);
    return this.nodes.find((node) => node !== leader) ?? this.#unreachable();
  }

  /** Resolves when every stream and consumer has a leader again, with the time of that. */
  async led(withinMs?: number): Promise<number> {
    await until(
      () => this.#manage(async (managing) => (await infosOf(managing)).every(isLed)),
      withinMs,
    );
    return Date.now();
  }

  /** Resolves when every server has all that the others have. */
  async whole(): Promise<void> {
    await until(() => this.#manage(async (managing) => (await infosOf(managing)).every(isWhole)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop("SIGKILL")));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #manage<T>(work: (by: Managing) => Promise<T>): Promise<T> {
    const servers = this.nodes.filter(({ isUp }) => isUp).map(({ url }) => url);
    const nc = await connect({ servers, timeout: ANSWER_MS });
    try {
      return await work({ nc, jsm: await jetstreamManager(nc, { timeout: ANSWER_MS }) });
    } finally {
      await nc.close();
    }
  }

  #unreachable(): never {
    throw new Error("a cluster has nodes");
  }
}
