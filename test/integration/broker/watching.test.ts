import { create } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { StateChangeSchema, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { LogFollower } from "#lib/broker/log/log-follower.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { Watching } from "#lib/broker/watch/watching.ts";
import { BrokerUnavailable, SequenceUnknown } from "#lib/task/errors.ts";
import { stateName } from "#lib/task/life.ts";
import { openTestBroker, QUIET, specOf } from "#test/support/broker.ts";
import { readLog } from "#test/support/ledger.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { begin, move } from "./lived-tasks.ts";

const TASKS = 20;
const STEPS = 60;
const WATCHERS = 200;

test("watchers that join at any moment see every event once, in order", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
  const begun = await Promise.all(ids.map((id) => broker.log.begin(id, specOf())));

  const watch = async (taskId: string): Promise<TaskEvent[]> => {
    const events: TaskEvent[] = [];
    for await (const step of watching.watch(taskId, 0n, new AbortController().signal)) {
      if (step.case === "event") events.push(step.value);
    }
    return events;
  };
  const live = async (first: Fence | undefined) => {
    if (!first) throw new Error("not begun");
    let fence = first;
    for (let step = 1; step <= STEPS; step += 1) {
      const state = step === STEPS ? TaskState.SUCCEEDED : TaskState.RUNNING;
      const change = create(StateChangeSchema, { state, attempt: step });
      const appended = await broker.log.append(fence, change);
      if (appended.kind === "stored") fence = { ...fence, stateSequence: appended.sequence };
    }
  };
  const living = Promise.all(begun.map(live));
  const watched: Promise<TaskEvent[]>[] = [];
  for (let index = 0; index < WATCHERS; index += 1) {
    watched.push(watch(ids[index % TASKS] ?? ""));
    // Joins spread over the tasks' lives, each after one more answer of the broker.
    await broker.log.forgetGone("nobody");
  }
  await living;

  const log = await readLog(nats.url);
  for (const events of await Promise.all(watched)) {
    const stored = log.get(events[0]?.taskId ?? "") ?? [];
    expect(events.map(({ sequence }) => sequence)).toEqual(stored.map(({ sequence }) => sequence));
    expect(events).toHaveLength(STEPS + 1);
  }
});

test("a watch of a finished task brings its history and ends", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  const begun = await broker.log.begin("t", specOf());
  const canceled = create(StateChangeSchema, { state: TaskState.CANCELED });
  if (begun) await broker.log.append(begun, canceled);

  const read = async (after: bigint) => {
    const steps: string[] = [];
    for await (const step of watching.watch("t", after, new AbortController().signal)) {
      steps.push(step.case === "event" ? String(step.value.facet.case) : step.case);
    }
    return steps;
  };
  expect(await read(0n)).toEqual(["snapshot", "spec", "state"]);
  expect(await read(1n)).toEqual(["snapshot", "state"]);
  expect(await read(2n)).toEqual(["snapshot"]);
  // Later than all of the task, but not than all of the log.
  await begin(broker, "other");
  expect(await read(3n)).toEqual(["snapshot"]);
  // Of a log that this one has replaced.
  await expect(read(4n)).rejects.toMatchObject({ facts: { sequence: "4", newest_sequence: "3" } });
  await expect(read(2n ** 64n - 1n)).rejects.toBeInstanceOf(SequenceUnknown);
});

test("a watch that begins after a later event of another task brings what is later still, and nothing else", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  const { RUNNING, SUCCEEDED } = TaskState;
  let fence = await begin(broker, "t");
  const { specSequence } = await begin(broker, "other");
  const steps = watching.watch("t", BigInt(specSequence), new AbortController().signal);
  await steps.next();
  const next = steps.next();
  for (const state of [RUNNING, SUCCEEDED]) fence = await move(broker, fence, state);
  const rest = await Array.fromAsync(steps);
  const states = [(await next).value, ...rest].map((step) => step?.case === "event" && step.value);
  expect(states).toMatchObject(
    [RUNNING, SUCCEEDED].map((state) => ({ facet: { value: { state } } })),
  );
});

test("a watch of a task that was started again tells all its lives, and ends with the last", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  const { FAILED, QUEUED, RUNNING, SUCCEEDED } = TaskState;
  let fence = await begin(broker, "t");
  for (const state of [RUNNING, FAILED, QUEUED]) fence = await move(broker, fence, state);

  const states = async function* () {
    for await (const step of watching.watch("t", 0n, new AbortController().signal)) {
      const facet = step.case === "event" ? step.value.facet : undefined;
      if (facet?.case === "state") yield stateName(facet.value.state);
    }
  };
  const live: string[] = [];
  for await (const state of states()) {
    live.push(state);
    if (live.length === 3) fence = await move(broker, fence, RUNNING, 2);
    if (live.length === 4) fence = await move(broker, fence, FAILED, 2);
  }
  expect(live).toEqual(["RUNNING", "FAILED", "QUEUED", "RUNNING", "FAILED"]);
  for (const state of [QUEUED, RUNNING, SUCCEEDED]) fence = await move(broker, fence, state, 3);
  const all = await Array.fromAsync(states());
  expect(all).toEqual([...live, "QUEUED", "RUNNING", "SUCCEEDED"]);
});

test.each([
  ["while the broker was away", (nats: TestNats) => nats.restart()],
  ["under our eyes", (_: TestNats, broker: Broker) => broker.link.repair()],
])("watchers of a log that was replaced %s are told to ask again", async (_, replace) => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  for (let index = 0; index < 10; index += 1) await broker.log.begin(`t${index}`, specOf());
  const steps = watching.watch("t1", 0n, new AbortController().signal);
  await steps.next();
  await steps.next();
  const waiting = steps.next();
  waiting.catch(() => {});

  await broker.link.use().jsm.streams.delete("MR_EVENTS");
  await replace(nats, broker);
  await expect(waiting).rejects.toBeInstanceOf(BrokerUnavailable);
});

test("a busy log is not taken for one that was replaced", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  let resets = 0;
  let interruptions = 0;
  await using follower = new LogFollower({
    link: broker.link,
    log: QUIET,
    from: "start",
    onEvent: () => {},
    onReset: () => {
      resets += 1;
    },
    lookEveryMs: 1,
  });
  await until(() => follower.isUp);
  using _ = follower.onChange((up) => {
    if (!up) interruptions += 1;
  });
  for (let index = 0; index < 3_000; index += 1) await broker.log.begin(`t${index}`, specOf());
  expect({ resets, interruptions }).toEqual({ resets: 0, interruptions: 0 });
});

test("of a thousand watches that begin at once few ask at a time, and those that leave meanwhile not at all", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using watching = new Watching(broker.link, broker.log, QUIET);
  await until(() => watching.line.isUp);
  await begin(broker, "task");
  let asking = 0;
  let most = 0;
  let asked = 0;
  const read = broker.log.read.bind(broker.log);
  vi.spyOn(broker.log, "read").mockImplementation(async (taskId) => {
    asked += 1;
    asking += 1;
    most = Math.max(most, asking);
    return await read(taskId).finally(() => {
      asking -= 1;
    });
  });
  const staying = new AbortController();
  const leaving = new AbortController();
  const opened = [staying, leaving].map(({ signal }) =>
    Array.from({ length: 500 }, () => watching.watch("task", 0n, signal).next()),
  );
  leaving.abort();
  const [snapshots = [], left = []] = await Promise.all(opened.map((some) => Promise.all(some)));
  expect(snapshots.every(({ value }) => value?.case === "snapshot")).toBe(true);
  expect(left.every(({ done }) => done)).toBe(true);
  expect(most).toBeLessThanOrEqual(64);
  expect(asked).toBe(500);
});
