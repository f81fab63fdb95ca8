import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProgressSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { stateName } from "#lib/task/life.ts";
import { allStored, openTestBroker } from "#test/support/broker.ts";
import { readLog } from "#test/support/ledger.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { begin, live, move } from "./lived-tasks.ts";
import { follow, logOf, openWatching, WatchRecord, whole } from "./watch-record.ts";

test("a watch of many tasks brings all of each, in order and once, while they go on", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const ids = Array.from({ length: 200 }, (_, index) => `task-${index}`);
  const begun = await Promise.all(ids.map((id) => begin(broker, id)));
  const living = Promise.all(begun.map((fence) => live(broker, fence, 10)));

  const record = await follow(watching, { tasks: ids.map(whole) }, { record: new WatchRecord() });
  await living;

  const log = await readLog(nats.url);
  expect(record.snapshots.toSorted()).toEqual(ids.toSorted());
  for (const id of ids) {
    const stored = log.get(id) ?? [];
    const needed = stored.filter(({ facet }) => facet.case !== "progress");
    const seen = new Set(record.events.get(id));
    expect([...seen]).toEqual(record.events.get(id));
    expect([...seen]).toEqual([...seen].toSorted((a, b) => Number(a - b)));
    expect(needed.every(({ sequence }) => seen.has(sequence))).toBe(true);
    expect(stored.filter(({ sequence }) => seen.has(sequence))).toHaveLength(seen.size);
  }
  expect(watching.watchedTasks).toBe(0);
});

test("each of many tasks goes on after its own sequence, and one that is not there holds up nobody", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  for (const id of ["a", "b"]) await live(broker, await begin(broker, id), 3);
  await allStored(broker);
  const [a, b] = [await logOf(nats.url, "a"), await logOf(nats.url, "b")];

  await begin(broker, "c");
  const tasks = [
    whole("a"),
    whole("nobody"),
    { taskId: "b", afterSequence: b[2] ?? 0n },
    { taskId: "c", afterSequence: 99_999n },
  ];
  const record = await follow(watching, { tasks }, { record: new WatchRecord() });
  expect(record.events.get("a")).toEqual(a);
  expect(record.events.get("b")).toEqual(b.slice(3));
  expect(record.failures).toMatchObject([
    { taskId: "nobody", error: { reason: "TASK_NOT_FOUND" } },
    { taskId: "c", error: { reason: "SEQUENCE_UNKNOWN" } },
  ]);
});

test("by labels come those that have not ended and every new one, each once, also when listed", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const blue = { color: "blue", size: "l" };
  const running = await begin(broker, "running", blue);
  const listed = await begin(broker, "listed", blue);
  await live(broker, await begin(broker, "ended", blue), 1);
  await begin(broker, "red", { color: "red" });
  await begin(broker, "small", { color: "blue", size: "s" });

  const record = new WatchRecord();
  const stop = new AbortController();
  const wanted = { tasks: [whole("listed")], labels: blue };
  const watch = follow(watching, wanted, { record, signal: stop.signal });
  const ids = Array.from({ length: 300 }, (_, index) => `new-${index}`);
  // Some of them come while the log is being looked through, some when that is over.
  const coming = ids.map(async (id) => live(broker, await begin(broker, id, blue), 2));
  await Promise.all([...coming, live(broker, running, 2), live(broker, listed, 2)]);
  await until(() => record.snapshots.length >= 302);
  await live(broker, await begin(broker, "last", blue), 1);
  await until(() => record.events.get("last")?.length === 4);

  expect(record.snapshots.toSorted()).toEqual([...ids, "last", "listed", "running"].toSorted());
  const log = await readLog(nats.url);
  for (const id of record.snapshots) {
    const states = (log.get(id) ?? []).filter(({ facet }) => facet.case !== "progress");
    const seen = record.events.get(id) ?? [];
    expect(new Set(seen).size).toBe(seen.length);
    expect(states.every(({ sequence }) => seen.includes(sequence))).toBe(true);
  }
  expect(watching.watchedTasks).toBe(0);
  stop.abort();
  await watch;
});

test.each([
  ["while it waits", 4],
  ["in the middle of what it reads", 1],
])("a watcher of many that vanishes %s leaves nothing behind", async (_, read) => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  for (const id of ["a", "b"]) await begin(broker, id, { color: "blue" });
  const stop = new AbortController();
  const wanted = { tasks: [whole("a")], labels: { color: "blue" } };
  const steps = watching.watchMany(wanted, stop.signal);
  for (let step = 0; step < read; step += 1) await steps.next();
  const waiting = steps.next();
  stop.abort();
  await until(() => watching.watchedTasks === 0);
  await waiting;
  expect(await steps.next()).toMatchObject({ done: true });
});

test("a thousand tasks on a stream that nobody reads cost their newest progress, and lose no state", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const warnings: Error[] = [];
  const warn = (warning: Error) => void warnings.push(warning);
  process.on("warning", warn);
  const ids = Array.from({ length: 1_000 }, (_, index) => `task-${index}`);
  const begun = await Promise.all(ids.map((id) => begin(broker, id)));
  const stop = new AbortController();
  const steps = watching.watchMany({ tasks: ids.map(whole), labels: {} }, stop.signal);
  const record = new WatchRecord();
  // All have joined when each has brought its snapshot and its spec.
  for (let step = 0; step < 2_000; step += 1) {
    const { value } = await steps.next();
    if (value) record.take(value);
  }
  const marked = watching.watchMany({ tasks: [], labels: { mark: "x" } }, stop.signal);
  const seesMark = marked.next();
  const [first] = begun;
  if (!first) throw new Error("not begun");
  const fence = await move(broker, first, TaskState.RUNNING);
  for (let current = 1n; current <= 3_000n; current += 1n) {
    const value = create(ProgressSchema, { attempt: 1, current });
    void broker.log.note(fence, { case: "progress", value });
  }
  await allStored(broker);
  await move(broker, fence, TaskState.SUCCEEDED);
  await begin(broker, "after-all-that", { mark: "x" });
  await seesMark;

  const events: (string | undefined)[] = [];
  while (events.at(-1) !== "SUCCEEDED") {
    const { value } = await steps.next();
    if (value?.case !== "event") continue;
    const { facet } = value.value;
    events.push(facet.case === "state" ? stateName(facet.value.state) : facet.case);
  }
  expect(events.filter((kind) => kind !== "progress")).toEqual(["RUNNING", "SUCCEEDED"]);
  expect(events.length).toBeLessThan(100);
  stop.abort();
  await until(() => watching.watchedTasks === 0);
  process.off("warning", warn);
  expect(warnings).toEqual([]);
});

test("of many tasks, the one that runs away from its reader fails with where to go on", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  const [busy, quiet] = [await begin(broker, "busy"), await begin(broker, "quiet")];
  const stop = new AbortController();
  const tasks = ["busy", "quiet"].map(whole);
  const steps = watching.watchMany({ tasks, labels: {} }, stop.signal);
  const record = new WatchRecord();
  for (let step = 0; step < 4; step += 1) {
    const { value } = await steps.next();
    if (value) record.take(value);
  }
  let fence = busy;
  for (let attempt = 1; attempt <= 1_100; attempt += 1) {
    fence = await move(broker, fence, TaskState.RUNNING, attempt);
  }
  await live(broker, quiet, 1);
  for (;;) {
    const { value, done } = await steps.next();
    if (done) break;
    record.take(value);
  }
  const lastSeen = record.events.get("busy")?.at(-1);
  expect(record.failures).toMatchObject([
    { taskId: "busy", error: { facts: { resume_after_sequence: String(lastSeen) } } },
  ]);
  expect(record.events.get("quiet")).toEqual(await logOf(nats.url, "quiet"));
});

test("a log that is replaced ends a watch by labels that has found nothing yet", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = await openWatching(broker);
  for (let index = 0; index < 10; index += 1) await begin(broker, `t${index}`);
  const wanted = { tasks: [], labels: { color: "blue" } };
  const waiting = watching.watchMany(wanted, new AbortController().signal).next();
  waiting.catch(() => {});
  await broker.link.use().jsm.streams.delete("MR_EVENTS");
  await broker.link.repair();
  await expect(waiting).rejects.toBeInstanceOf(BrokerUnavailable);
});
