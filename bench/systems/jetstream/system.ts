import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { NATS_DURABILITY, natsVersion, startNats } from "../nats-broker.ts";
import { readStream } from "../read-stream.ts";
import type { RunningSystem, StartOptions, SystemUnderTest } from "../system.ts";
import { ENDS, idIn, STREAM, SUBJECTS } from "./stream.ts";

const GROUPED = "fast-ingest groups, 64 callers";

/** The limit of whatever is built on JetStream with this client: as many stored messages as a task has, and nothing else. */
export const rawJetstream: SystemUnderTest = {
  name: "jetstream",
  description:
    "Raw JetStream: one client stores as many messages as a task has in Millrace (4, and one for each report), and reads them; no API, no worker, no fences",
  durability: NATS_DURABILITY,
  choices: [
    { label: GROUPED, slots: 1, callers: 64 },
    { label: "awaited publishes, 64 callers", slots: 1, callers: 64 },
    { label: "awaited publishes, 256 callers", slots: 1, callers: 256 },
  ],
  caller: new URL("./caller.ts", import.meta.url).href,
  also: [],
  async prepare(env) {
    return { "nats-server": await natsVersion(env) };
  },
  start,
};

async function start({ env, dataDir, choice }: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats(env, dataDir));
  const nc = await connect({ servers: nats.url });
  stack.defer(() => nc.close());
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: STREAM, subjects: [SUBJECTS], allow_batched: true });
  const owned = stack.move();
  return {
    processes: nats.processes,
    address: `${nats.url}${choice.label === GROUPED ? "?grouped" : ""}`,
    // A task is accepted when its last message is stored.
    backlog: async () => 0,
    ended: () => endedIn(nats.url),
    traffic: () => nats.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function endedIn(natsUrl: string): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>();
  await readStream(natsUrl, { stream: STREAM, subjects: ENDS }, ({ subject }) => {
    const id = idIn(subject);
    ended.set(id, (ended.get(id) ?? 0) + 1);
  });
  return ended;
}
