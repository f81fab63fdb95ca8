import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { SETTINGS } from "#lib/process/settings.ts";
import { VERSION } from "#lib/process/version.ts";
import { nowMs } from "../../clock.ts";
import { NATS_DURABILITY, natsVersion, startNats } from "../nats-broker.ts";
import type { RunningSystem, Setup, StartOptions, SystemUnderTest } from "../system.ts";
import { type Doors, Service, type ServiceRole } from "./service.ts";
import { storedEnds, storedStarts, storedTasks } from "./stored-ends.ts";
import { untilTypesAnnounced } from "./types-announced.ts";
import { taskTypes as manyTaskTypes } from "./worker/many-task-types.ts";
import { taskTypes } from "./worker/task-types.ts";

/** The way a delayed task goes, so that none is missed that moves on between two answers. */
const WAITING_IN = ["MR_SCHEDULE", "MR_QUEUE_default"];

const SLOTS_THAT_SHIP = SETTINGS.concurrency.fallback;

/** Millrace with the settings that ship: one gateway, one worker, one nats-server, called by gRPC. */
export const millrace: SystemUnderTest = {
  name: "millrace",
  description:
    "Millrace: one gateway, one worker, one nats-server, settings as they ship; RunTask by grpc-js, or SubmitTask",
  durability: NATS_DURABILITY,
  choices: [{ label: `as it ships, ${SLOTS_THAT_SHIP} slots`, slots: SLOTS_THAT_SHIP }],
  caller: new URL("./caller.ts", import.meta.url).href,
  also: ["submitMany", "watch", "delay", "scale", "restart", "connect"],
  async prepare(env) {
    return { millrace: VERSION, "nats-server": await natsVersion(env) };
  },
  start,
};

async function start({ dataDir, setup, env }: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats(env, dataDir, setup.brokers));
  const settings = {
    ...setup.settings,
    // What a work needs, whatever else is asked for: without a slot for each, its tasks would wait.
    ...(setup.slots !== undefined && { MILLRACE_WORKER_CONCURRENCY: String(setup.slots) }),
    ...env,
    NATS_SERVERS: nats.url,
  };
  const types = typesOf(setup);
  const service = async (role: ServiceRole, args: readonly string[] = []) =>
    stack.use(await Service.start(role, { settings, args }));
  const [gateways, workers, monitors] = await Promise.all([
    several(setup.gateways, () => service("gateway")),
    several(setup.workers, () => service("worker", types.module)),
    several(setup.monitors ?? 0, () => service("monitor")),
  ]);
  const doors = await Promise.all(gateways.map((gateway) => gateway.ready()));
  await Promise.all([...workers, ...monitors].map((each) => each.ready()));
  for (const { grpc } of doors) await untilTypesAnnounced(grpc, types.count);
  const backlog = await openBacklog(nats.url, stack);
  const processes = [...gateways, ...workers, ...monitors, ...nats.processes];
  const owned = stack.move();
  return {
    processes,
    address: addressOf(doors, setup),
    backlog,
    ended: () => storedEnds(nats.url),
    kept: () => storedTasks(nats.url),
    startedAtMs: () => storedStarts(nats.url),
    async restart(role) {
      const those = processes.filter((each) => each.role === role);
      await Promise.all(those.map((each) => each.restart()));
    },
    startUps: async () => ({
      gateway: await startUpMs("gateway", settings),
      worker: await startUpMs("worker", settings),
    }),
    traffic: () => nats.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Where the client calls: a gateway as often as it is to have connections. */
function addressOf(doors: readonly Doors[], { protocol, connections = 1 }: Setup): string {
  const addresses = doors.map((each) => each[protocol ?? "grpc"]);
  return Array.from({ length: connections }, () => addresses)
    .flat()
    .join(",");
}

function several<Part>(count: number | undefined, make: () => Promise<Part>): Promise<Part[]> {
  return Promise.all(Array.from({ length: count ?? 1 }, make));
}

/** What the workers serve: how many task types, and the module that has them if it is not the usual one. */
function typesOf({ manyTypes }: Setup) {
  return manyTypes
    ? { module: ["./many-task-types.ts"], count: manyTaskTypes().length }
    : { module: [], count: taskTypes().length };
}

/** A task leaves its queue when its outcome is stored; not before. */
async function openBacklog(
  natsUrl: string,
  stack: AsyncDisposableStack,
): Promise<() => Promise<number>> {
  const nc = await connect({ servers: natsUrl.split(","), maxReconnectAttempts: -1 });
  stack.defer(() => nc.close());
  const { streams } = await jetstreamManager(nc);
  return async () => {
    let waiting = 0;
    for (const stream of WAITING_IN) waiting += (await streams.info(stream)).state.messages;
    return waiting;
  };
}

async function startUpMs(role: ServiceRole, settings: NodeJS.ProcessEnv): Promise<number> {
  const beganAt = nowMs();
  await using service = await Service.start(role, { settings });
  await service.ready();
  return nowMs() - beganAt;
}
