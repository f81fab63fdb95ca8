import { afterAll, describe, expect, test } from "vitest";
import type { Broker } from "#lib/broker/broker.ts";
import { openLog } from "#lib/process/log.ts";
import { isTerminal } from "#lib/task/life.ts";
import { openTestBroker, QUIET } from "#test/support/broker.ts";
import { Crash, WRITE_KINDS } from "#test/support/crash.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { enforceLimits } from "../../services/gateway/enforce-limits.ts";
import { adoptOrphans } from "../../services/gateway/janitor/adopt-orphans.ts";
import { JanitorFigures } from "../../services/gateway/janitor/figures.ts";
import { QueueOverseer } from "../../services/gateway/queue-overseer.ts";
import { LEAVE_PATHS } from "./crash-leave-paths.ts";
import { PATHS, type Path, SUCCEEDED, work } from "./crash-paths.ts";
import { QUEUE_PATHS } from "./crash-queue-paths.ts";

const SILENT = openLog({ name: "test", level: "silent", format: "json" });
const NEVER = new AbortController().signal;

const seen = new Set<string>();

/** Has a process go the path, and stop before so many writes; gives the kinds of those that it has made, and whether it was done. */
async function go(url: string, path: Path, before?: number) {
  await using healthy = await openTestBroker(url);
  await using doomed = await openTestBroker(url);
  const taskId = `before-${before ?? "none"}`;
  await path.prepare(healthy, taskId);
  const crash = new Crash(doomed, before);
  const isDone = await crash.orDone(path.act(doomed, taskId));
  return { writes: crash.writes, isDone };
}

/** What a gateway does beside its calls, until the end of the scope. */
function doChores(broker: Broker): AsyncDisposable {
  const stop = new AbortController();
  const chores = [
    broker.schedule.moveDueTasks(stop.signal),
    enforceLimits(broker, stop.signal),
    new QueueOverseer(broker, ["default"], SILENT).follow(stop.signal),
  ];
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(chores);
    },
  };
}

/** What else the other processes of a system do, until the task has ended, or is not there any more. */
async function recover(broker: Broker, taskId: string): Promise<void> {
  const janitor = adoptOrphans({ broker, log: QUIET, figures: new JanitorFigures(), ageMs: 0 });
  await until(async () => {
    await janitor.pass(NEVER);
    await work(broker, "w", SUCCEEDED);
    const standing = await broker.log.read(taskId);
    const { waiting, inFlight } = await broker.queues.depth("default");
    return (!standing || isTerminal(standing.task.state)) && waiting + inFlight === 0;
  });
}

/** The ends in its history, and its restarts. */
async function endsOf(broker: Broker, taskId: string): Promise<[ends: number, runs: number]> {
  const standing = await broker.log.read(taskId);
  if (!standing) return [0, 0];
  const { sequence, restarts } = standing.task;
  const before = BigInt(standing.fence.specSequence) - 1n;
  const events = await Array.fromAsync(broker.log.history(taskId, before, sequence));
  const ends = events.filter(
    ({ facet }) => facet.case === "state" && isTerminal(facet.value.state),
  );
  return [ends.length, restarts + 1];
}

interface Stop {
  readonly path: Path;
  /** The process that goes on: it starts then, or was there before. */
  readonly other: "starts" | "is there";
}

/** Has a process stop before so many writes, and another one go on. */
async function stopBefore({ path, other }: Stop, before: number, kind: string): Promise<void> {
  await using nats = await startTestNats();
  const open = () => openTestBroker(nats.url);
  const there = other === "is there" ? await open() : undefined;
  const { isDone } = await go(nats.url, path, before);
  await using broker = there ?? (await open());
  await using _ = doChores(broker);
  const taskId = `before-${before}`;
  await path.check?.(broker, taskId, isDone);
  await recover(broker, taskId);
  const [ends, runs] = await endsOf(broker, taskId);
  const stopped = `before its ${kind}, write ${before + 1}`;
  if (!path.mayBeGone) expect([stopped, runs]).not.toEqual([stopped, 0]);
  expect([stopped, ends]).toEqual([stopped, runs]);
  for (const id of path.beside ?? []) expect(await endsOf(broker, id)).toEqual([1, 1]);
}

const STOPS = [
  ...[...PATHS, ...QUEUE_PATHS, ...LEAVE_PATHS].map((path) => ({ path, other: "starts" }) as const),
  // That a process puts a queue right when it starts does not say that it does so later.
  ...QUEUE_PATHS.map((path) => ({ path, other: "is there" }) as const),
];

describe.concurrent("a process that stops dead before any of its writes leaves a task that ends once", () => {
  test.each(STOPS)(
    "on the way of $path.name; another $other",
    { timeout: 180_000 },
    async (stop) => {
      await using first = await startTestNats();
      const { writes } = await go(first.url, stop.path);
      for (const kind of writes) seen.add(kind);
      expect(writes).not.toEqual([]);
      await Promise.all(writes.map((kind, before) => stopBefore(stop, before, kind)));
    },
  );
});

afterAll(() => {
  expect(WRITE_KINDS.filter((kind) => !seen.has(kind))).toEqual([]);
});
