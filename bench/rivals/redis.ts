import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Redis } from "ioredis";
import { freePort } from "../../cli/system/free-port.ts";
import { BenchError } from "../bench-error.ts";
import { Child } from "../processes/child.ts";

const run = promisify(execFile);

/** A redis-server, and a connection for whoever measures it. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly child: Child;
  readonly client: Redis;
  traffic(): Promise<Readonly<Record<string, number>>>;
}

/** What a power loss may take. */
export const REDIS_DURABILITY = "append-only file, fsync every second";

export async function redisVersion(): Promise<string> {
  try {
    const { stdout } = await run("redis-server", ["--version"]);
    return /v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
  } catch (error) {
    throw new BenchError(
      "there is no redis-server on the PATH; on Debian and Ubuntu: apt-get install redis-server",
      { cause: error },
    );
  }
}

/** Persistence as Redis's documentation advises for data that matters: the append-only file alone, no snapshots beside it. */
export async function startRedis(env: NodeJS.ProcessEnv, dataDir: string): Promise<RedisServer> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort("127.0.0.1");
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: dataDir,
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    // BullMQ asks for it.
    "maxmemory-policy": "noeviction",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = stack.use(await Child.start({ role: "redis", command: "redis-server", args, env }));
  await child.printed(/Ready to accept connections/);
  // Known only once the rivals' packages are installed.
  const { Redis: Connection } = await import("ioredis");
  const client = stack.adopt(new Connection({ port }), (each) => each.disconnect());
  const owned = stack.move();
  return {
    port,
    child,
    client,
    traffic: async () => trafficIn(await client.info("stats")),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function trafficIn(info: string): Readonly<Record<string, number>> {
  const numberOf = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  return {
    "commands to it": numberOf("total_commands_processed"),
    "bytes to it": numberOf("total_net_input_bytes"),
    "bytes from it": numberOf("total_net_output_bytes"),
  };
}
