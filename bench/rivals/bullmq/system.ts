import type { RunningSystem, StartOptions, SystemUnderTest } from "../../systems/system.ts";
import { installForNode, nodeVersions } from "../install.ts";
import { REDIS_DURABILITY, redisVersion } from "../redis.ts";
import { startParts } from "./parts.ts";

/** BullMQ without an API: what a caller in Node that may reach Redis itself can have at the most. */
export const bullmq: SystemUnderTest = {
  name: "bullmq",
  description: "BullMQ in the caller's process, QueueEvents, one worker, Redis; no API",
  durability: REDIS_DURABILITY,
  choices: [
    { label: "64 at once", slots: 64 },
    { label: "16 at once", slots: 16 },
    { label: "256 at once", slots: 256 },
  ],
  caller: new URL("./caller.ts", import.meta.url).href,
  also: ["submitMany", "watch", "delay"],
  async prepare(env) {
    const redis = await redisVersion();
    await installForNode(env);
    return { ...nodeVersions("bullmq", "ioredis"), redis };
  },
  start,
};

async function start(options: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const { redis, worker, backlog, ended, startedAtMs } = await startParts(options, stack);
  const owned = stack.move();
  return {
    processes: [worker, redis.child],
    address: String(redis.port),
    backlog,
    ended,
    startedAtMs,
    traffic: () => redis.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
