import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { VERSION } from "#lib/process/version.ts";
import { Child } from "../../processes/child.ts";
import { NATS_DURABILITY, natsVersion, startNats } from "../nats-broker.ts";
import type { RunningSystem, Setup, StartOptions, SystemUnderTest } from "../system.ts";
import { Gateway } from "./gateway.ts";
import { storedEnds } from "./stored-ends.ts";
import { untilTypesAnnounced } from "./types-announced.ts";
import { untilReady } from "./until-ready.ts";
import { taskTypes as manyTaskTypes } from "./worker/many-task-types.ts";
import { taskTypes } from "./worker/task-types.ts";

const WORKER = fileURLToPath(new URL("./worker/main.ts", import.meta.url));
const QUEUE = "MR_QUEUE_default";

/** What MILLRACE_WORKER_CONCURRENCY is when nobody sets it. */
const SLOTS_THAT_SHIP = 8;

/** Millrace with the settings that ship: one gateway, one worker, one nats-server, called by gRPC. */
export const millrace: SystemUnderTest = {
  name: "millrace",
  description:
    "Millrace: one gateway, one worker, one nats-server, settings as they ship; RunTask by grpc-js, or SubmitTask",
  durability: NATS_DURABILITY,
  choices: [{ label: "as it ships, 8 slots", slots: SLOTS_THAT_SHIP }],
  caller: new URL("./caller.ts", import.meta.url).href,
  also: ["submitMany", "watch", "scale", "restart", "connect"],
  async prepare(env) {
    return { millrace: VERSION, "nats-server": await natsVersion(env) };
  },
  start,
};

async function start({ dataDir, choice, setup, env }: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats(env, dataDir));
  const settings = { ...settingsOf(setup.slots ?? choice.slots), ...env, NATS_SERVERS: nats.url };
  const types = typesOf(setup);
  const [gateways, workers] = await Promise.all([
    several(setup.gateways, async () => stack.use(await Gateway.start(settings))),
    several(setup.workers, async () => stack.use(await startWorker(settings, types.module))),
  ]);
  await Promise.all(workers.map(workerReady));
  for (const { addresses } of gateways) await untilTypesAnnounced(addresses.grpc, types.count);
  const nc = await connect({ servers: nats.url });
  stack.defer(() => nc.close());
  const { streams } = await jetstreamManager(nc);
  const owned = stack.move();
  return {
    get processes() {
      return [...gateways.map((gateway) => gateway.process), ...workers, nats.process];
    },
    address: addressOf(gateways, setup),
    restartGateways: async () =>
      Math.min(...(await Promise.all(gateways.map((gateway) => gateway.restart())))),
    // A task leaves its queue when its outcome is stored; not before.
    backlog: async () => (await streams.info(QUEUE)).state.messages,
    ended: () => storedEnds(nats.url),
    traffic: () => nats.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Where the client calls: a gateway as often as it is to have connections. */
function addressOf(gateways: readonly Gateway[], { protocol, connections = 1 }: Setup): string {
  const addresses = gateways.map((gateway) => gateway.addresses[protocol ?? "grpc"]);
  return Array.from({ length: connections }, () => addresses)
    .flat()
    .join(",");
}

function startWorker(env: NodeJS.ProcessEnv, module: readonly string[]): Promise<Child> {
  const args = [WORKER, ...module];
  return Child.start({ role: "worker", command: process.execPath, args, env });
}

function several<Part>(count: number | undefined, make: () => Promise<Part>): Promise<Part[]> {
  return Promise.all(Array.from({ length: count ?? 1 }, make));
}

async function workerReady(worker: Child): Promise<void> {
  const [, url = ""] = await worker.printed(/"health":"([^"]+)".*"worker is up"/);
  await untilReady(worker, url);
}

/** What the workers serve: how many task types, and the module that has them if it is not the usual one. */
function typesOf({ manyTypes }: Setup) {
  return manyTypes
    ? { module: ["./many-task-types.ts"], count: manyTaskTypes().length }
    : { module: [], count: taskTypes().length };
}

function settingsOf(slots: number): NodeJS.ProcessEnv {
  return {
    MILLRACE_GATEWAY_GRPC_PORT: "0",
    MILLRACE_GATEWAY_HTTP_PORT: "0",
    MILLRACE_WORKER_HTTP_PORT: "0",
    MILLRACE_LOG_FORMAT: "json",
    ...(slots !== SLOTS_THAT_SHIP && { MILLRACE_WORKER_CONCURRENCY: String(slots) }),
  };
}
