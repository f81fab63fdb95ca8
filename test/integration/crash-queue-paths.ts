import { create } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { Names } from "#lib/broker/names.ts";
import { readQueueFigures } from "#lib/broker/queues/queue-figures.ts";
import { TOPOLOGY } from "#test/support/broker.ts";
import { until } from "#test/support/until.ts";
import { accept, type Path, specOf, take } from "./crash-paths.ts";

const QUEUE = "default";
const ASKED = { reason: "maintenance", requestedBy: "ada" };
const TYPED = "typed";
const { configStream } = new Names();

/** A task in the lane that every queue has, and one in a lane of its type. */
async function fillLanes(broker: Broker, taskId: string): Promise<void> {
  await accept(broker, TYPED, specOf({ isTyped: true }));
  await accept(broker, taskId);
}

async function fillAndPause(broker: Broker, taskId: string): Promise<void> {
  await fillLanes(broker, taskId);
  await broker.queueSettings.pause(QUEUE, ASKED);
}

/** Says whether the queue is paused; it is so as a whole, or not at all, and says so. */
async function isPausedOrOpen(broker: Broker): Promise<boolean> {
  await until(async () => (await readQueueFigures(broker.link, QUEUE)).isAsSet);
  return (await broker.queueSettings.read(QUEUE)).pause !== undefined;
}

/** Nothing is handed out of a queue that says that it is paused. Opens it then, for its tasks to run. */
async function keepsItsWord(broker: Broker): Promise<void> {
  if (!(await isPausedOrOpen(broker))) return;
  expect(await take(broker)).toEqual([]);
  await broker.queueSettings.resume(QUEUE);
  expect(await isPausedOrOpen(broker)).toBe(false);
}

function typeOf(name: string): TaskType {
  return create(TaskTypeSchema, { name, description: "of a worker" });
}

const TYPES = [typeOf("shop.v1.SendReceipt"), typeOf("shop.v1.SendBill")];

/** Announces until all is announced. */
async function announce(broker: Broker): Promise<void> {
  const stop = new AbortController();
  const times = { lookEveryMs: 10, touchEveryMs: 3_600_000 };
  const announced = broker.taskTypes.announce(TYPES, stop.signal, times);
  const { streams } = broker.link.use().jsm;
  await until(async () => (await streams.info(configStream)).state.messages === TYPES.length);
  stop.abort();
  await announced;
}

/** The types that whoever comes now is told of. */
async function announcedTypes(broker: Broker): Promise<string[]> {
  const stop = new AbortController();
  const told = Promise.withResolvers<string[]>();
  const following = broker.taskTypes.follow(
    (all) => told.resolve(all.map(({ type }) => type.name).sort()),
    stop.signal,
  );
  const names = await told.promise;
  stop.abort();
  await following;
  return names;
}

/** Ways on which operators set queues, and lanes and types come. */
export const QUEUE_PATHS: readonly Path[] = [
  {
    name: "a pause of a queue",
    beside: [TYPED],
    prepare: fillLanes,
    act: (broker) => broker.queueSettings.pause(QUEUE, ASKED),
    async check(broker, _, isDone) {
      const isPaused = await isPausedOrOpen(broker);
      if (isDone) expect(isPaused).toBe(true);
      await keepsItsWord(broker);
    },
  },
  {
    name: "a resume of a queue",
    beside: [TYPED],
    prepare: fillAndPause,
    act: (broker) => broker.queueSettings.resume(QUEUE),
    check: keepsItsWord,
  },
  {
    name: "a limit of a queue",
    beside: [TYPED],
    prepare: fillLanes,
    act: (broker) => broker.queueSettings.limit(QUEUE, { maxTasks: 5n }),
    async check(broker, _, isDone) {
      // As a janitor does every minute. What was tried out and not written down looks like any limit.
      await broker.link.repair();
      const { settings, maxTasks } = await readQueueFigures(broker.link, QUEUE);
      expect(maxTasks).toBe(Number(settings.maxTasks ?? TOPOLOGY.queueMaxTasks));
      if (isDone) expect(maxTasks).toBe(5);
    },
  },
  {
    name: "a submit of a new type to a paused queue",
    mayBeGone: true,
    prepare: (broker) => broker.queueSettings.pause(QUEUE, ASKED),
    act: (broker, id) => accept(broker, id, specOf({ isTyped: true })),
    check: keepsItsWord,
  },
  {
    name: "the announcement of a worker's types",
    beside: [TYPED],
    prepare: fillLanes,
    act: announce,
    async check(broker) {
      await announce(broker);
      expect(await announcedTypes(broker)).toEqual(TYPES.map(({ name }) => name).sort());
    },
  },
];
