import { join } from "node:path";
import { findNatsServer } from "#cli/nats-server/find-nats-server.ts";
import { startNatsServer } from "#cli/nats-server/run-nats-server.ts";
import type { RoleProcess } from "../measure/meter.ts";

/** A nats-server with its counters. */
export interface NatsBroker extends AsyncDisposable {
  readonly url: string;
  readonly process: RoleProcess;
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
    readonly stream_detail: readonly {
      readonly state: { readonly last_seq: number };
    }[];
  }[];
}

/** What a power loss may take from the nats-server that ships. */
export const NATS_DURABILITY = "file storage, sync_interval 1s";

export async function natsVersion(env: NodeJS.ProcessEnv): Promise<string> {
  return (await find(env)).version;
}

/** As `millrace up` starts it, with its monitoring open. */
export async function startNats(env: NodeJS.ProcessEnv, dataDir: string): Promise<NatsBroker> {
  const { bin } = await find(env);
  const nats = await startNatsServer({ bin, storeDir: join(dataDir, "nats"), monitorPort: 0 });
  return {
    url: nats.url,
    process: { role: "nats-server", pid: nats.pid },
    traffic: () => trafficOf(`${nats.monitorUrl}`),
    [Symbol.asyncDispose]: () => nats.stop(),
  };
}

function find(env: NodeJS.ProcessEnv) {
  return findNatsServer({ env, onProgress: (line) => process.stderr.write(`${line}\n`) });
}

async function trafficOf(monitorUrl: string): Promise<Readonly<Record<string, number>>> {
  const [varz, jsz] = await Promise.all([
    read<Varz>(`${monitorUrl}/varz`),
    read<Jsz>(`${monitorUrl}/jsz?streams=1`),
  ]);
  const streams = jsz.account_details?.flatMap(({ stream_detail }) => stream_detail) ?? [];
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
