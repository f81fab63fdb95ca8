import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { Names } from "#lib/broker/names.ts";
import { HistoryFull } from "#lib/task/errors.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";
import { leaveOnTime } from "../../../services/gateway/janitor/leave-on-time.ts";
import { restart } from "../../../services/gateway/restart.ts";
import { acceptTask, facetsOf, livedTask, moveTask } from "./lived-task.ts";

const { SUCCEEDED, FAILED, CANCELED, EXPIRED, RUNNING } = TaskState;
const { eventsStream } = new Names();
const NEVER = new AbortController().signal;
const BRIEFLY = { keepFor: durationFromMs(1) };
const HOUR = { keepFor: durationFromMs(3_600_000) };

async function isKnown(broker: Broker, taskId: string): Promise<boolean> {
  return (await broker.log.read(taskId)) !== undefined;
}

test("a task leaves when its keep_for is over, however it has ended; the others stay", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  for (const state of [SUCCEEDED, FAILED, CANCELED, EXPIRED]) {
    await livedTask(broker, `brief-${state}`, state, BRIEFLY);
    await livedTask(broker, `hour-${state}`, state, HOUR);
    await livedTask(broker, `ever-${state}`, state);
  }
  await livedTask(broker, "runs", RUNNING, BRIEFLY);
  await acceptTask(broker, "waits", BRIEFLY);

  const figures = new JanitorFigures();
  const chores = [broker, other].map((each) => leaveOnTime({ broker: each, figures }));
  const pass = () => Promise.all(chores.map((chore) => chore.pass(NEVER)));
  await until(async () => {
    await pass();
    const left = await Promise.all(
      [SUCCEEDED, FAILED, CANCELED, EXPIRED].map((state) => isKnown(broker, `brief-${state}`)),
    );
    return left.every((known) => !known);
  });
  await pass();

  for (const state of [SUCCEEDED, FAILED, CANCELED, EXPIRED]) {
    expect(await facetsOf(broker, `brief-${state}`)).toEqual([]);
    const all = ["spec", "state", "progress", "output", "log", "state"];
    expect(await facetsOf(broker, `hour-${state}`)).toEqual(all);
    expect(await facetsOf(broker, `ever-${state}`)).toEqual(all);
  }
  expect(await isKnown(broker, "runs")).toBe(true);
  expect(await isKnown(broker, "waits")).toBe(true);
});

test("the time counts from the task's end, also for whoever comes to look later", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const long = await livedTask(broker, "long", RUNNING, BRIEFLY);
  const early = leaveOnTime({ broker, figures: new JanitorFigures() });
  await early.pass(NEVER);
  await moveTask(broker, long, SUCCEEDED);
  const figures = new JanitorFigures();
  const late = leaveOnTime({ broker, figures });
  await until(async () => {
    await late.pass(NEVER);
    return !(await isKnown(broker, "long"));
  });
  expect(figures.left.get("keep_for")).toBe(1);
});

test("the next task of an id is not taken for the one whose time is over", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const first = await livedTask(broker, "again", SUCCEEDED, BRIEFLY);
  const chore = leaveOnTime({ broker, figures: new JanitorFigures() });
  await broker.log.forget("again", first.stateSequence);
  await livedTask(broker, "again", SUCCEEDED, HOUR);
  await livedTask(broker, "leaves", SUCCEEDED, BRIEFLY);
  await until(async () => {
    await chore.pass(NEVER);
    return !(await isKnown(broker, "leaves"));
  });
  expect(await isKnown(broker, "again")).toBe(true);
});

test("tasks that could not leave, for the history was full, leave with a later pass", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const chore = leaveOnTime({ broker, figures: new JanitorFigures() });
  const ids = Array.from({ length: 200 }, (_, index) => `failed-${index}`);
  for (const id of ids) await moveTask(broker, await acceptTask(broker, id, BRIEFLY), FAILED);
  atNextCall(broker.log, "append", { before: () => Promise.reject(new HistoryFull()) });
  await until(async () => (await failureOf(chore.pass(NEVER))) instanceof HistoryFull);

  const { streams } = broker.link.use().jsm;
  await until(async () => {
    await chore.pass(NEVER);
    return (await streams.info(eventsStream)).state.messages === 0;
  });
});

function failureOf(pass: Promise<void>): Promise<unknown> {
  return pass.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("a task that is started again at the moment when it would leave does so after its next end", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const chore = leaveOnTime({ broker, figures: new JanitorFigures() });
  await livedTask(broker, "again", FAILED, BRIEFLY);
  let isRestarted = false;
  atNextCall(broker.log, "read", {
    before: async () => {
      await restart(broker, { taskId: "again", requestedBy: "ada" });
      isRestarted = true;
    },
  });
  await until(async () => {
    await chore.pass(NEVER);
    return isRestarted;
  });
  const standing = await broker.log.read("again");
  if (!standing) throw new Error("it has left");
  await moveTask(broker, standing.fence, CANCELED);
  await until(async () => {
    await chore.pass(NEVER);
    return !(await isKnown(broker, "again"));
  });
});
