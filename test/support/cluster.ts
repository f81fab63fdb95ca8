import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { inject } from "vitest";
import { type NatsServerProcess, startNatsServer } from "#cli/nats-server/run-nats-server.ts";
import { until } from "./until.ts";
import { unusedPort } from "./unused-port.ts";

const SIZE = 3;
/** A request that finds no leader is not answered; so it is soon asked anew. */
const ANSWER_MS = 1_000;
const DURABLES = new Map([
  ["MR_QUEUE_default", ["p0", "p1", "p2", "p3"]],
  ["MR_SCHEDULE", ["mover", "enforcer"]],
]);

interface Plan {
  readonly name: string;
  readonly port: number;
  readonly routePort: number;
}

/** Three nats-servers that hold everything three times, gone with the end of the scope. */
export async function startTestCluster(): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-cluster-"));
  const plans = await Promise.all(
    Array.from({ length: SIZE }, async (_, index) => ({
      name: `n${index}`,
      port: await unusedPort(),
      routePort: await unusedPort(),
    })),
  );
  const nodes = plans.map((plan) => new ClusterNode(plan, plans, folder));
  const cluster = new TestCluster(nodes, folder);
  await Promise.all(nodes.map((node) => node.start()));
  await cluster.hasLeader();
  return cluster;
}

/** One server of a cluster, which a test may treat badly. */
export class ClusterNode {
  readonly name: string;
  readonly url: string;
  readonly #plan: Plan;
  readonly #peers: readonly Plan[];
  readonly #folder: string;
  #server: NatsServerProcess | undefined;

  constructor(plan: Plan, all: readonly Plan[], folder: string) {
    this.name = plan.name;
    this.url = `nats://127.0.0.1:${plan.port}`;
    this.#plan = plan;
    this.#peers = all.filter((other) => other !== plan);
    this.#folder = folder;
  }

  get isUp(): boolean {
    return this.#server !== undefined;
  }

  /** Serves, on the same port with the same store every time. */
  async start(): Promise<void> {
    const { name, port, routePort } = this.#plan;
    this.#server = await startNatsServer({
      bin: inject("natsServerBin"),
      storeDir: join(this.#folder, name),
      port,
      extraConfig: {
        server_name: name,
        cluster: {
          name: "millrace",
          listen: `127.0.0.1:${routePort}`,
          routes: this.#peers.map((peer) => `nats://127.0.0.1:${peer.routePort}`),
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

interface Held {
  readonly cluster?: StreamInfo["cluster"];
}

/** Lists would wait for the servers that are away, so each is asked for by its name. */
async function infosOf(jsm: JetStreamManager): Promise<Held[]> {
  const streams = await jsm.streams.names().next();
  const durables = streams.flatMap((stream) =>
    (DURABLES.get(stream) ?? []).map((consumer) => jsm.consumers.info(stream, consumer)),
  );
  return Promise.all([...streams.map((name) => jsm.streams.info(name)), ...durables]);
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

  /** A server that holds a stream without leading it. */
  async followerOf(stream: string): Promise<ClusterNode> {
    const leader = await this.leaderOf(stream);
    return this.nodes.find((node) => node !== leader) ?? this.#unreachable();
  }

  /** Resolves when every stream and consumer has a leader again, with the time of that. */
  async led(withinMs?: number): Promise<number> {
    await until(() => this.#manage(async ({ jsm }) => (await infosOf(jsm)).every(isLed)), withinMs);
    return Date.now();
  }

  /** Resolves when every server has all that the others have. */
  async whole(): Promise<void> {
    await until(() => this.#manage(async ({ jsm }) => (await infosOf(jsm)).every(isWhole)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop("SIGKILL")));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #manage<T>(work: (by: { jsm: JetStreamManager }) => Promise<T>): Promise<T> {
    const servers = this.nodes.filter(({ isUp }) => isUp).map(({ url }) => url);
    const nc = await connect({ servers, timeout: ANSWER_MS });
    try {
      return await work({ jsm: await jetstreamManager(nc, { timeout: ANSWER_MS }) });
    } finally {
      await nc.close();
    }
  }

  #unreachable(): never {
    throw new Error("a cluster has nodes");
  }
}
