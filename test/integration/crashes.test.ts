import { afterAll, describe, expect, test } from "vitest";
import type { Broker } from "#lib/broker/broker.ts";
import { isTerminal } from "#lib/task/life.ts";
import { openTestBroker, QUIET } from "#test/support/broker.ts";
import { Crash, WRITE_KINDS } from "#test/support/crash.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { enforceLimits } from "../../services/gateway/enforce-limits.ts";
import { adoptOrphans } from "../../services/gateway/janitor/adopt-orphans.ts";
import { JanitorFigures } from "../../services/gateway/janitor/figures.ts";
import { PATHS, type Path, SUCCEEDED, work } from "./crash-paths.ts";

const seen = new Set<string>();

/** Has a process go the path, and stop before so many writes; gives the kinds of those that it has made. */
async function go(url: string, path: Path, before?: number): Promise<readonly string[]> {
  await using healthy = await openTestBroker(url);
  await using doomed = await openTestBroker(url);
  const taskId = `before-${before ?? "none"}`;
  await path.prepare(healthy, taskId);
  const crash = new Crash(doomed, before);
  await crash.orDone(path.act(doomed, taskId).catch(() => {}));
  return crash.writes;
}

/** What the other processes of a system do, until the task has ended, or is not there any more. */
async function recover(broker: Broker, taskId: string): Promise<void> {
  const stop = new AbortController();
  const chores = [broker.schedule.moveDueTasks(stop.signal), enforceLimits(broker, stop.signal)];
  const janitor = adoptOrphans({ broker, log: QUIET, figures: new JanitorFigures(), ageMs: 0 });
  await until(async () => {
    await janitor.pass(stop.signal);
    await work(broker, "w", SUCCEEDED);
    const standing = await broker.log.read(taskId);
    const { waiting, inFlight } = await broker.queues.depth("default");
    return (!standing || isTerminal(standing.task.state)) && waiting + inFlight === 0;
  });
  stop.abort();
  await Promise.all(chores);
}

/** The ends in its history, and its restarts. */
async function endsOf(broker: Broker, taskId: string): Promise<[ends: number, runs: number]> {
  const standing = await broker.log.read(taskId);
  if (!standing) return [0, 0];
  const { sequence, restarts } = standing.task;
  const events = await Array.fromAsync(broker.log.history(taskId, 0n, sequence));
  const ends = events.filter(
    ({ facet }) => facet.case === "state" && isTerminal(facet.value.state),
  );
  return [ends.length, restarts + 1];
}

describe.concurrent("a process that stops dead before any of its writes leaves a task that ends once", () => {
  test.each(PATHS)("on the way of $name", { timeout: 180_000 }, async (path) => {
    await using first = await startTestNats();
    const writes = await go(first.url, path);
    for (const kind of writes) seen.add(kind);
    expect(writes).not.toEqual([]);
    const stopBefore = async (kind: string, before: number) => {
      await using nats = await startTestNats();
      await go(nats.url, path, before);
      await using broker = await openTestBroker(nats.url);
      const taskId = `before-${before}`;
      await recover(broker, taskId);
      const [ends, runs] = await endsOf(broker, taskId);
      const stopped = `before its ${kind}, write ${before + 1}`;
      if (!path.mayBeGone) expect([stopped, runs]).not.toEqual([stopped, 0]);
      expect([stopped, ends]).toEqual([stopped, runs]);
    };
    await Promise.all(writes.map(stopBefore));
  });
});

afterAll(() => {
  expect(WRITE_KINDS.filter((kind) => !seen.has(kind))).toEqual([]);
});
