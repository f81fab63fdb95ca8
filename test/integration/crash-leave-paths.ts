import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { Names } from "#lib/broker/names.ts";
import { stateName } from "#lib/task/life.ts";
import { QUIET } from "#test/support/broker.ts";
import { begun, step } from "#test/support/steps.ts";
import { until } from "#test/support/until.ts";
import type { Chore } from "../../services/gateway/janitor/chore.ts";
import { JanitorFigures } from "../../services/gateway/janitor/figures.ts";
import { leaveOnTime } from "../../services/gateway/janitor/leave-on-time.ts";
import { makeRoom } from "../../services/gateway/janitor/make-room.ts";
import { accept, INPUT, type Path } from "./crash-paths.ts";
import { facetsOf, livedTask } from "./gateway/lived-task.ts";

const NEVER = new AbortController().signal;
const { SUCCEEDED, FAILED } = TaskState;
const { eventsStream } = new Names();

/** Has so much of the log be taken that room has to be made. */
async function fillLog(broker: Broker): Promise<void> {
  const { streams } = broker.link.use().jsm;
  const { state } = await streams.info(eventsStream);
  await streams.update(eventsStream, { max_bytes: Math.floor(state.bytes / 0.85) });
}

function roomChore(broker: Broker): Chore {
  return makeRoom({ broker, log: QUIET, figures: new JanitorFigures() });
}

function leaveChore(broker: Broker): Chore {
  return leaveOnTime({ broker, figures: new JanitorFigures() });
}

async function untilGone(broker: Broker, taskId: string, chore: Chore): Promise<void> {
  await until(async () => {
    await chore.pass(NEVER);
    return (await broker.log.read(taskId)) === undefined;
  });
}

/**
 * Of a task that is known, nothing is missing but what it said on its way. Of one that is gone, a new one of its id has nothing.
 */
async function isGoneOrWhole(broker: Broker, taskId: string): Promise<void> {
  if ((await broker.log.read(taskId)) === undefined) return accept(broker, taskId);
  const facets = await facetsOf(broker, taskId);
  expect([facets.at(0), facets.at(-1)]).toEqual(["spec", "state"]);
}

/** The same, where another janitor goes on. */
async function leavesForGood(broker: Broker, taskId: string): Promise<void> {
  await untilGone(broker, taskId, leaveChore(broker));
  await isGoneOrWhole(broker, taskId);
}

async function lived(broker: Broker, taskId: string, end: TaskState): Promise<void> {
  await livedTask(broker, taskId, end, { keepFor: durationFromMs(1) });
}

/** Has ended, and said nothing on its way. */
async function ended(broker: Broker, taskId: string, end: TaskState): Promise<void> {
  await begun(broker, taskId, create(TaskSpecSchema, { queue: "default", input: INPUT }));
  await step(broker, taskId, TaskState.RUNNING, { attempt: 1 });
  await step(broker, taskId, end, { attempt: 1 });
}

/** Ways on which a janitor takes a task that has ended out of the log. */
export const LEAVE_PATHS: readonly Path[] = [SUCCEEDED, FAILED].flatMap((end): Path[] => [
  {
    name: `the leave of one ${stateName(end)}`,
    mayBeGone: true,
    prepare: (broker, id) => lived(broker, id, end),
    act: (broker, id) => untilGone(broker, id, leaveChore(broker)),
    check: leavesForGood,
  },
  {
    name: `making room by the notes of one ${stateName(end)}`,
    async prepare(broker, id) {
      await lived(broker, id, end);
      await fillLog(broker);
    },
    act: (broker) => roomChore(broker).pass(NEVER),
    check: isGoneOrWhole,
  },
  {
    name: `making room by one ${stateName(end)}`,
    mayBeGone: true,
    async prepare(broker, id) {
      await ended(broker, id, end);
      await fillLog(broker);
    },
    act: (broker, id) => untilGone(broker, id, roomChore(broker)),
    check: isGoneOrWhole,
  },
]);
