import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";
import { freePort } from "../../../cli/system/free-port.ts";
import { Child } from "../../processes/child.ts";
import { answers, until } from "../../processes/until.ts";
import type { RunningSystem, StartOptions, SystemUnderTest } from "../../systems/system.ts";
import { installForNode, installForPython, PYTHON, pythonVersions } from "../install.ts";
import { REDIS_DURABILITY, redisVersion, startRedis } from "../redis.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const RESULTS = "celery-task-meta-";
const PAGE = 10_000;

/** The stack that Millrace means to replace. */
export const celery: SystemUnderTest = {
  name: "celery",
  description:
    "FastAPI in front of Celery: one uvicorn process, prefork workers, acks late, Redis as broker and for results, polled every 50 ms",
  durability: REDIS_DURABILITY,
  choices: [
    { label: "2 processes, 64 callers", slots: 2, callers: 64 },
    { label: "4 processes, 64 callers", slots: 4, callers: 64 },
    { label: "2 processes, 16 callers", slots: 2, callers: 16 },
  ],
  caller: new URL("./caller.ts", import.meta.url).href,
  also: [],
  async prepare(env) {
    const redis = await redisVersion();
    // For what measures Redis.
    await installForNode(env);
    await installForPython(env);
    return { ...(await pythonVersions("celery", "fastapi", "uvicorn")), redis };
  },
  start,
};

async function start({ env: given, dataDir, choice }: StartOptions): Promise<RunningSystem> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis(given, dataDir));
  const env = {
    ...given,
    BENCH_REDIS_URL: `redis://127.0.0.1:${redis.port}/0`,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const python = async (role: "api" | "worker", ...args: readonly string[]) =>
    stack.use(
      await Child.start({ role, command: PYTHON, args: ["-m", ...args], env, cwd: FOLDER }),
    );
  const slots = ["--pool", "prefork", "--concurrency", String(choice.slots)];
  const worker = await python("worker", "celery", "--app", "tasks", "worker", ...slots);
  const port = await freePort("127.0.0.1");
  const quiet = ["--no-access-log", "--log-level", "warning"];
  const api = await python("api", "uvicorn", "api:app", "--port", String(port), ...quiet);
  await worker.printed(/worker is up/);
  const address = `http://127.0.0.1:${port}`;
  await until("the API answers", () => {
    api.throwIfExited();
    return answers(`${address}/docs`);
  });
  const owned = stack.move();
  return {
    processes: [api, worker, redis.child],
    address,
    backlog: () => backlogIn(redis.client),
    ended: () => endedIn(redis.client),
    traffic: () => redis.traffic(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What waits, and what a worker has taken and not acknowledged. */
async function backlogIn(client: Redis): Promise<number> {
  const counts = [client.call("LLEN", "celery"), client.call("HLEN", "unacked")];
  const [waiting, taken] = await Promise.all(counts);
  return Number(waiting) + Number(taken);
}

/** A task has one place for its result, so that a second end would not show. */
async function endedIn(client: Redis): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>();
  let cursor = "0";
  do {
    const answer = await client.call("SCAN", cursor, "MATCH", `${RESULTS}*`, "COUNT", PAGE);
    const [next, keys] = answer as [string, string[]];
    const results = keys.length === 0 ? [] : ((await client.call("MGET", ...keys)) as string[]);
    for (const [index, result] of results.entries()) {
      const { status } = JSON.parse(result) as { readonly status: string };
      if (status === "SUCCESS") ended.set(`${keys[index]}`.slice(RESULTS.length), 1);
    }
    cursor = next;
  } while (cursor !== "0");
  return ended;
}
