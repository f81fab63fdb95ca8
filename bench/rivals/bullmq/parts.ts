import { fileURLToPath } from "node:url";
import { Child } from "../../processes/child.ts";
import type { StartOptions } from "../../systems/system.ts";
import { type RedisServer, startRedis } from "../redis.ts";
import { QUEUE } from "./queue.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
const KEY = `bull:${QUEUE}`;

/** What every way to deploy BullMQ has: Redis and a worker process. */
export interface BullmqParts {
  readonly redis: RedisServer;
  readonly worker: Child;
  backlog(): Promise<number>;
  ended(): Promise<ReadonlyMap<string, number>>;
}

/** Starts them, to be stopped with the stack. */
export async function startParts(
  { env, dataDir, choice, setup }: StartOptions,
  stack: AsyncDisposableStack,
): Promise<BullmqParts> {
  const redis = stack.use(await startRedis(env, dataDir));
  const args = [WORKER, String(redis.port), String(setup.slots ?? choice.slots)];
  const worker = stack.use(
    await Child.start({ role: "worker", command: process.execPath, args, env }),
  );
  await worker.printed(/worker is up/);
  return { redis, worker, backlog: () => backlogIn(redis), ended: () => endedIn(redis) };
}

async function backlogIn({ client }: RedisServer): Promise<number> {
  const lengths = ["wait", "active"].map((list) => client.call("LLEN", `${KEY}:${list}`));
  return (await Promise.all(lengths)).reduce((sum: number, length) => sum + Number(length), 0);
}

/** A job is in one set or the other; one that is in both has ended twice. */
async function endedIn({ client }: RedisServer): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>();
  for (const set of ["completed", "failed"]) {
    for (const id of (await client.call("ZRANGE", `${KEY}:${set}`, 0, -1)) as string[]) {
      ended.set(id, (ended.get(id) ?? 0) + 1);
    }
  }
  return ended;
}
