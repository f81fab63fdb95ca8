import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { untilTypesAnnounced } from "#cli/system/until-types-announced.ts";
import { VERSION } from "#lib/process/version.ts";
import { Child } from "../../processes/child.ts";
import { answers, until } from "../../processes/until.ts";
import { NATS_DURABILITY, natsVersion, startNats } from "../nats-broker.ts";
import type { RunningSystem, StartOptions, SystemUnderTest } from "../system.ts";
import { storedEnds } from "./stored-ends.ts";

const GATEWAY = fileURLToPath(new URL("../../../services/gateway/main.ts", import.meta.url));
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
  also: ["submitMany", "watch"],
  async prepare(env) {
    return { millrace: VERSION, "nats-server": await natsVersion(env) };
  },
  start,
};

async function start({ dataDir, choice, env }: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats(env, dataDir));
  const service = async (role: "gateway" | "worker", main: string) =>
    stack.use(
      await Child.start({
        role,
        command: process.execPath,
        args: [main],
        env: { ...settingsOf(choice.slots), ...env, NATS_SERVERS: nats.url },
      }),
    );
  const [gateway, worker] = await Promise.all([
    service("gateway", GATEWAY),
    service("worker", WORKER),
  ]);
  const [, address = ""] = await gateway.printed(/"grpc":"([^"]+)".*"gateway is up"/);
  const [, gatewayUrl = ""] = await gateway.printed(/"connect":"([^"]+)".*"gateway is up"/);
  const [, workerUrl = ""] = await worker.printed(/"health":"([^"]+)".*"worker is up"/);
  await untilReady(gateway, gatewayUrl);
  await untilReady(worker, workerUrl);
  await untilTypesAnnounced(address, AbortSignal.timeout(30_000));
  const nc = await connect({ servers: nats.url });
  stack.defer(() => nc.close());
  const { streams } = await jetstreamManager(nc);
  const owned = stack.move();
  return {
    processes: [gateway, worker, nats.process],
    address,
    // A task leaves its queue when its outcome is stored; not before.
    backlog: async () => (await streams.info(QUEUE)).state.messages,
    ended: () => storedEnds(nats.url),
    traffic: () => nats.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function untilReady(service: Child, url: string): Promise<void> {
  return until(`the ${service.role} is ready`, () => {
    service.throwIfExited();
    return answers(`${url}/readyz`);
  });
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
