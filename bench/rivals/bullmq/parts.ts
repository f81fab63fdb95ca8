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
  startedAtMs(): Promise<ReadonlyMap<string, number>>;
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
  return {
    redis,
    worker,
    backlog: () => backlogIn(redis),
    ended: () => endedIn(redis),
    startedAtMs: () => startsIn(redis),
  };
}

async function backlogIn({ client }: RedisServer): Promise<number> {
  // The way a job goes, so that none is missed that moves on between two answers.
  const lengths = [
    client.call("ZCARD", `${KEY}:delayed`),
    client.call("LLEN", `${KEY}:wait`),
    client.call("LLEN", `${KEY}:active`),
  ];
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

/** What a handler returns is when it began. */
async function startsIn({ client }: RedisServer): Promise<ReadonlyMap<string, number>> {
  const ids = (await client.call("ZRANGE", `${KEY}:completed`, 0, -1)) as string[];
  const starts = ids.map(async (id): Promise<[string, number]> => {
    return [id, Number(await client.call("HGET", `${KEY}:${id}`, "returnvalue"))];
  });
  return new Map(await Promise.all(starts));
}
