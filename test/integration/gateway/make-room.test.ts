import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { Names } from "#lib/broker/names.ts";
import { shareTaken } from "#lib/task/retention.ts";
import { openTestBroker, QUIET } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";
import { makeRoom } from "../../../services/gateway/janitor/make-room.ts";
import { acceptTask, facetsOf, livedTask, moveTask } from "./lived-task.ts";

const { eventsStream } = new Names();
const { SUCCEEDED, FAILED, CANCELED, QUEUED, RUNNING } = TaskState;
const NEVER = new AbortController().signal;

/** Limits the log so that this share of it is taken, in bytes or in events. */
async function fill(broker: Broker, taken: number, of: "bytes" | "events" = "bytes") {
  const { streams } = broker.link.use().jsm;
  const { state } = await streams.info(eventsStream);
  const limit = of === "bytes" ? { max_bytes: state.bytes } : { max_msgs: state.messages };
  const [[key = "", now = 0] = []] = Object.entries(limit);
  await streams.update(eventsStream, { [key]: Math.floor(now / taken) });
}

async function tasks(broker: Broker, kind: string, count: number, end: TaskState) {
  const ids = Array.from({ length: count }, (_, index) => `${kind}-${index}`);
  for (const id of ids) await livedTask(broker, id, end);
  return ids;
}

async function share(broker: Broker): Promise<number> {
  return shareTaken(await broker.space.usage());
}

async function histories(broker: Broker, ids: readonly string[]) {
  return Promise.all(ids.map(async (id) => (await facetsOf(broker, id)).length));
}

test("in a log that is nearly full, what tasks said on their way leaves first, oldest first", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const runs = await tasks(broker, "runs", 3, RUNNING);
  const ended = await tasks(broker, "ended", 400, SUCCEEDED);
  await fill(broker, 0.81);
  const figures = new JanitorFigures();
  await makeRoom({ broker, log: QUIET, figures }).pass(NEVER);
  expect(await share(broker)).toBeLessThanOrEqual(0.7);
  expect(figures.left.get("room")).toBe(0);
  const left = await histories(broker, ended);
  expect(left.filter((facets) => facets < 3)).toEqual([]);
  expect(left[0]).toBeLessThan(6);
  expect(left).toEqual(left.toSorted((a, b) => a - b));
  expect(await histories(broker, runs)).toEqual([5, 5, 5]);
});

test("whole tasks leave next, the oldest first, dead letters last, and never one that has not ended", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await acceptTask(broker, "waits");
  const runs = await tasks(broker, "runs", 20, RUNNING);
  const failed = await tasks(broker, "failed", 100, FAILED);
  const canceled = await tasks(broker, "canceled", 50, CANCELED);
  const succeeded = await tasks(broker, "succeeded", 300, SUCCEEDED);
  const figures = new JanitorFigures();
  const chore = makeRoom({ broker, log: QUIET, figures });
  const known = async (ids: readonly string[]) =>
    (await histories(broker, ids)).filter((facets) => facets > 0).length;

  const makeRoomUntil = async (isSo: () => Promise<boolean>) => {
    for (let pass = 0; !(await isSo()); pass += 1) {
      expect(pass).toBeLessThan(30);
      await fill(broker, 0.85);
      await chore.pass(NEVER);
    }
  };

  await makeRoomUntil(async () => (await known(canceled)) === 0);
  expect(await share(broker)).toBeLessThanOrEqual(0.7);
  expect(await known(succeeded)).toBeGreaterThan(0);
  expect(await known(failed)).toBe(failed.length);
  await makeRoomUntil(async () => (await known(failed)) < failed.length);
  expect(await known(succeeded)).toBe(0);
  await makeRoomUntil(async () => (await known(failed)) === 0);
  expect(await histories(broker, runs)).toEqual(runs.map(() => 5));
  expect(await broker.log.read("waits")).toBeDefined();
  expect(figures.left.get("room")).toBe(failed.length + canceled.length + succeeded.length);
});

test.for([
  { first: FAILED, last: FAILED },
  { first: CANCELED, last: SUCCEEDED },
])(
  "a task that had ended before it was started again leaves by its last end ($first, $last)",
  async ({ first, last }) => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    const ids = Array.from({ length: 100 }, (_, index) => `again-${index}`);
    const ends = [];
    for (const id of ids) ends.push(await livedTask(broker, id, first));
    for (const end of ends) {
      const queued = create(StateChangeSchema, { state: QUEUED, attempt: 1, restarts: 1 });
      const begun = await broker.log.beginRun(end, queued);
      const sequence = begun.kind === "stored" ? begun.sequence : expect.unreachable();
      const run = { ...end, stateSequence: sequence, epoch: sequence };
      await moveTask(broker, await moveTask(broker, run, RUNNING), last);
    }
    const chore = makeRoom({ broker, log: QUIET, figures: new JanitorFigures() });
    await until(async () => {
      await fill(broker, 0.85);
      await chore.pass(NEVER);
      return (await histories(broker, ids)).every((facets) => facets === 0);
    });
  },
);

test("what has ended since the walk came by leaves too", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const figures = new JanitorFigures();
  const chore = makeRoom({ broker, log: QUIET, figures });
  const runs = await tasks(broker, "runs", 200, RUNNING);
  await fill(broker, 0.9);
  await chore.pass(NEVER);
  expect(figures.left.get("room")).toBe(0);
  await fill(broker, 0.7);
  for (const id of runs) {
    const standing = await broker.log.read(id);
    if (standing) await broker.log.append(standing.fence, { ...endOf(standing), state: SUCCEEDED });
  }
  await fill(broker, 0.9);
  await until(async () => {
    await chore.pass(NEVER);
    return (await share(broker)) <= 0.7;
  });
});

function endOf({ last }: NonNullable<Awaited<ReturnType<Broker["log"]["read"]>>>) {
  if (!last) throw new Error("it has not begun");
  return last;
}

test("a limit of the number of events counts as one of bytes", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await tasks(broker, "ended", 100, SUCCEEDED);
  await fill(broker, 0.9, "events");
  await makeRoom({ broker, log: QUIET, figures: new JanitorFigures() }).pass(NEVER);
  expect(await share(broker)).toBeLessThanOrEqual(0.7);
});

test("it is told before it happens, when it does, and when no task can leave", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const told: [string, number][] = [];
  const tell = (fields: object, message: string) =>
    void told.push([message.split(",")[0] ?? "", "share" in fields ? Number(fields.share) : 0]);
  const log = { ...QUIET, warn: tell, error: tell };
  const chore = makeRoom({ broker, log, figures: new JanitorFigures() });
  await tasks(broker, "runs", 10, RUNNING);
  await tasks(broker, "ended", 20, SUCCEEDED);
  await fill(broker, 0.77);
  await chore.pass(NEVER);
  expect(told.splice(0)).toEqual([["the log of tasks fills up: above 80 % of its room", 0.77]]);
  for (let pass = 0; pass < 10; pass += 1) {
    await fill(broker, 1);
    await chore.pass(NEVER);
  }
  expect(told.map(([message]) => message)).toEqual([
    "tasks that have ended left the log before their time",
    "the log of tasks is nearly full",
  ]);
});
