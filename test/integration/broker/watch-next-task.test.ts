import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { begin, live, move } from "./lived-tasks.ts";
import { RemoteWatching } from "./remote-watching.ts";
import { follow, logOf, openWatching, read, WatchRecord, whole } from "./watch-record.ts";

const { RUNNING, CANCELED } = TaskState;
const SIGNAL = () => AbortSignal.timeout(30_000);

/** Ends it, deletes it, and submits another task with its id, which succeeds. */
async function replace(broker: Broker, fence: Fence, labels = {}): Promise<void> {
  await move(broker, fence, CANCELED);
  expect(await deleteFinished(broker, fence.taskId)).toBe(true);
  await live(broker, await begin(broker, fence.taskId, labels), 1);
}

/** Reads a watch into the record until it fails. */
type Watch = (watching: Watching, record: WatchRecord, signal: AbortSignal) => Promise<void>;

const ofOne: Watch = async (watching, record, signal) => {
  for await (const step of watching.watch("t", 0n, signal)) record.take(step);
};

const ofMany: Watch = async (watching, record, signal) => {
  await follow(watching, { tasks: [whole("t")] }, { record, signal });
  throw record.failures[0]?.error;
};

test.each([
  ["of one task", ofOne],
  ["of many tasks", ofMany],
])("a watch %s does not go on with another task that has got its id", async (_, watch) => {
  await using remote = await RemoteWatching.open();
  const { other, watching } = remote;
  const running = await move(other, await begin(other, "t"), RUNNING);
  const signal = SIGNAL();
  const record = new WatchRecord();
  const watched = watch(watching, record, signal).catch((error: unknown) => error);
  await until(() => record.events.get("t")?.length === 2);

  await remote.unheard(async () => {
    await replace(other, running);
  });
  expect(await watched).toMatchObject({ reason: "TASK_NOT_FOUND" });
  expect(record.events.get("t")).toHaveLength(2);
  expect(signal.aborted).toBe(false);
});

test("nor where the next one's spec is removed too before it could be heard of", async () => {
  await using remote = await RemoteWatching.open();
  const { other, watching } = remote;
  const running = await move(other, await begin(other, "t"), RUNNING);
  const signal = SIGNAL();
  const record = new WatchRecord();
  const watched = ofOne(watching, record, signal).catch((error: unknown) => error);
  await until(() => record.events.get("t")?.length === 2);

  await remote.unheard(async () => {
    await replace(other, running);
    const { jsm, names } = other.link.use();
    // As far as a delete may have got.
    await jsm.streams.purge(names.eventsStream, { filter: names.eventSubject("t", "spec") });
  });
  expect(await watched).toMatchObject({ reason: "TASK_NOT_FOUND" });
  expect(record.events.get("t")).toHaveLength(2);
  expect(signal.aborted).toBe(false);
});

test("nor does that of a task that was just submitted", async () => {
  await using remote = await RemoteWatching.open();
  const { other, broker, watching } = remote;
  using expected = watching.expect("t");
  const begun = await begin(broker, "t");
  const task = (await expected.justBegun(begun)) ?? expect.unreachable();
  const watched = read(watching.watchNew(expected, task)).catch((error: unknown) => error);

  await remote.unheard(async () => {
    await replace(other, begun);
  });
  expect(await watched).toMatchObject({ reason: "TASK_NOT_FOUND" });
});

test("a watch by labels tells a task once whose id is used again while it is found", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const labels = { order: "4711" };
  const first = await begin(other, "t", labels);
  await using watching = await openWatching(broker);
  atNextCall(broker.log, "read", { before: () => replace(other, first, labels) });
  const leaving = new AbortController();
  const record = new WatchRecord();
  const watch = follow(watching, { labels }, { record, signal: leaving.signal });
  await until(() => record.events.get("t")?.length === 4);
  await live(other, await begin(other, "last", labels), 1);
  await until(() => record.events.get("last")?.length === 4);
  expect(record.events.get("t")).toEqual(await logOf(nats.url, "t"));
  expect(record.snapshots.toSorted()).toEqual(["last", "t"]);
  expect(record.failures).toEqual([]);
  leaving.abort();
  await watch;
});

test("a watch by labels tells of the next task with the id of a listed one, also when it comes while that one's watch ends", async () => {
  await using remote = await RemoteWatching.open();
  const { nats, other, watching } = remote;
  const labels = { order: "4711" };
  const ended = await begin(other, "ended", labels);
  const gone = await begin(other, "gone", labels);
  const stop = new AbortController();
  const record = new WatchRecord();
  const tasks = ["ended", "gone", "missing"].map(whole);
  const watch = follow(watching, { tasks, labels }, { record, signal: stop.signal });
  await until(() => record.events.size === 2 && record.failures.length === 1);
  await move(other, ended, CANCELED);
  await until(() => record.events.get("ended")?.length === 2);
  expect(await deleteFinished(other, "ended")).toBe(true);
  await live(other, await begin(other, "ended", labels), 1);
  await live(other, await begin(other, "missing", labels), 1);

  await remote.unheard(async () => {
    await replace(other, gone, labels);
  });
  await until(() => record.snapshots.length === 5);
  await until(() => record.events.get("gone")?.length === 5);
  expect(record.snapshots.toSorted()).toEqual(["ended", "ended", "gone", "gone", "missing"]);
  expect(record.events.get("ended")?.slice(2)).toEqual(await logOf(nats.url, "ended"));
  expect(record.events.get("missing")).toEqual(await logOf(nats.url, "missing"));
  expect(record.events.get("gone")?.slice(1)).toEqual(await logOf(nats.url, "gone"));
  expect(record.failures.map(({ taskId }) => taskId)).toEqual(["missing", "gone"]);
  stop.abort();
  await watch;
});

test("a watch by labels tells the tasks that had an id one after the other, however late it hears of them", async () => {
  await using remote = await RemoteWatching.open();
  const { nats, line, other, watching } = remote;
  const labels = { order: "4711" };
  const stop = new AbortController();
  const record = new WatchRecord();
  const watch = follow(watching, { labels }, { record, signal: stop.signal });
  await live(other, await begin(other, "first", labels), 1);
  await until(() => record.events.get("first")?.length === 4);
  const lives: bigint[] = [];
  line.silence("to client");
  for (let life = 1; life <= 10; life += 1) {
    await live(other, await begin(other, "t", labels), 3);
    lives.push(...(await logOf(nats.url, "t")));
    if (life < 10) expect(await deleteFinished(other, "t")).toBe(true);
  }
  line.heal();
  await until(() => record.events.get("t")?.at(-1) === lives.at(-1));
  const told = record.events.get("t") ?? [];
  expect(told).toEqual(told.toSorted((a, b) => Number(a - b)));
  stop.abort();
  await watch;
});

test.each(["that is submitted", "that is watched"])(
  "a task %s while the one before with its id is deleted is told to its end",
  async (how) => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    await using other = await openTestBroker(nats.url);
    await using watching = await openWatching(broker);
    await live(other, await begin(other, "t"), 1);
    const replaceIt = async () => {
      expect(await deleteFinished(other, "t")).toBe(true);
      return begin(other, "t");
    };
    if (how === "that is submitted") {
      using expected = watching.expect("t");
      const begun = await replaceIt();
      const task = (await expected.justBegun(begun)) ?? expect.unreachable();
      const events = await read(watching.watchNew(expected, task), () => live(other, begun, 1));
      // The snapshot has what its spec says.
      const [, ...rest] = await logOf(nats.url, "t");
      expect(events.map(({ sequence }) => sequence)).toEqual(rest);
    } else {
      const next = Promise.withResolvers<Fence>();
      // Its state is asked for first: what comes after that is not in it.
      atNextCall(broker.link.use().jsm.streams, "getMessage", {
        after: async () => next.resolve(await replaceIt()),
      });
      const events = await read(watching.watch("t", 0n, SIGNAL()), async () =>
        live(other, await next.promise, 1),
      );
      expect(events.map(({ sequence }) => sequence)).toEqual(await logOf(nats.url, "t"));
    }
  },
);
