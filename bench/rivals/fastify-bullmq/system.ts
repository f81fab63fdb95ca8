import { fileURLToPath } from "node:url";
import { freePort } from "../../../cli/system/free-port.ts";
import { Child } from "../../processes/child.ts";
import type { RunningSystem, StartOptions, SystemUnderTest } from "../../systems/system.ts";
import { startParts } from "../bullmq/parts.ts";
import { bullmq } from "../bullmq/system.ts";
import { nodeVersions } from "../install.ts";

const API = fileURLToPath(new URL("./api.ts", import.meta.url));

/** What a team in Node would build: an API in front of BullMQ, which tells callers what becomes of their tasks. */
export const fastifyBullmq: SystemUnderTest = {
  ...bullmq,
  name: "fastify-bullmq",
  description:
    "fastify in front of BullMQ: JSON in, QueueEvents to server-sent events, one API process, one worker, Redis",
  caller: new URL("./caller.ts", import.meta.url).href,
  async prepare(env) {
    return { ...(await bullmq.prepare(env)), ...nodeVersions("fastify") };
  },
  start,
};

async function start(options: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const { redis, worker, backlog, ended, startedAtMs } = await startParts(options, stack);
  const port = await freePort("127.0.0.1");
  const args = [API, String(port), String(redis.port)];
  const api = stack.use(
    await Child.start({ role: "api", command: process.execPath, args, env: options.env }),
  );
  await api.printed(/api is up/);
  const owned = stack.move();
  return {
    processes: [api, worker, redis.child],
    address: `http://127.0.0.1:${port}`,
    backlog,
    ended,
    startedAtMs,
    traffic: () => redis.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
