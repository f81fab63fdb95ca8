import { join } from "node:path";
import { findNatsServer } from "#cli/nats-server/find-nats-server.ts";
import { freePort } from "#cli/system/free-port.ts";
import { NatsNode } from "./nats-node.ts";

/** A nats-server, or a cluster of them, with its counters. */
export interface NatsBroker extends AsyncDisposable {
  /** All servers, separated by commas. */
  readonly url: string;
  readonly processes: readonly NatsNode[];
  traffic(): Promise<Readonly<Record<string, number>>>;
}

interface Varz {
  readonly in_msgs: number;
  readonly out_msgs: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
}

interface Jsz {
  readonly account_details?: readonly {
    /** None of a server that holds no stream. */
    readonly stream_detail?: readonly {
      readonly state: { readonly last_seq: number };
    }[];
  }[];
}

/** What a power loss may take from the nats-server that ships. */
export const NATS_DURABILITY = "file storage, sync_interval 1s";

export async function natsVersion(env: NodeJS.ProcessEnv): Promise<string> {
  return (await find(env)).version;
}

/** As `millrace up` starts it, with its monitoring open; or several in a cluster. */
export async function startNats(
  env: NodeJS.ProcessEnv,
  dataDir: string,
  count = 1,
): Promise<NatsBroker> {
  await using stack = new AsyncDisposableStack();
  const { bin } = await find(env);
  const places = await Promise.all(Array.from({ length: count }, placeOf));
  const nodes = await Promise.all(
    places.map(async (place) => {
      const { name, port } = place;
      const extraConfig = count > 1 ? clusterOf(place, places) : {};
      const storeDir = join(dataDir, name);
      return stack.use(await NatsNode.start({ bin, storeDir, port, monitorPort: 0, extraConfig }));
    }),
  );
  const owned = stack.move();
  return {
    url: nodes.map(({ url }) => url).join(","),
    processes: nodes,
    traffic: async () => sumOf(await Promise.all(nodes.map(trafficOf))),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Where a server of a cluster is found by clients and by the others. */
interface Place {
  readonly name: string;
  readonly port: number;
  readonly routePort: number;
}

async function placeOf(_: unknown, index: number): Promise<Place> {
  const host = "127.0.0.1";
  return { name: `nats-${index}`, port: await freePort(host), routePort: await freePort(host) };
}

function clusterOf({ name, routePort }: Place, all: readonly Place[]) {
  const others = all.filter((place) => place.name !== name);
  return {
    server_name: name,
    cluster: {
      name: "bench",
      listen: `127.0.0.1:${routePort}`,
      routes: others.map((other) => `nats://127.0.0.1:${other.routePort}`),
    },
  };
}

function sumOf(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [name, value] of all.flatMap((each) => Object.entries(each))) {
    sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

function find(env: NodeJS.ProcessEnv) {
  return findNatsServer({ env, onProgress: (line) => process.stderr.write(`${line}\n`) });
}

async function trafficOf({ monitorUrl }: NatsNode): Promise<Readonly<Record<string, number>>> {
  const [varz, jsz] = await Promise.all([
    read<Varz>(`${monitorUrl}/varz`),
    read<Jsz>(`${monitorUrl}/jsz?streams=1`),
  ]);
  const streams = jsz.account_details?.flatMap(({ stream_detail = [] }) => stream_detail) ?? [];
  return {
    "messages to it": varz.in_msgs,
    "messages from it": varz.out_msgs,
    "bytes to it": varz.in_bytes,
    "bytes from it": varz.out_bytes,
    "messages stored": streams.reduce((sum, { state }) => sum + state.last_seq, 0),
  };
}

async function read<Told>(url: string): Promise<Told> {
  return (await fetch(url)).json() as Promise<Told>;
}
