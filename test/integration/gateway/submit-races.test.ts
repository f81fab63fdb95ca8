import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { fenceOf, waitingOf } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { refuseTask } from "#lib/task/next-state.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, standingOf, step } from "#test/support/steps.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { submit } from "../../../services/gateway/submit.ts";

const FULL = { queueMaxTasks: 1 };

/** Whether it was accepted: the only other answer is that its queue is full. */
async function isAccepted(broker: Broker, taskId: string): Promise<boolean> {
  const spec = specOf();
  try {
    await submit(broker, taskId, { asked: spec, spec });
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(QueueFull);
    return false;
  }
}

interface HeldUp {
  /** Says whether it is accepted in the end. */
  goesOn(): Promise<boolean>;
}

/** A submit that has come to this point when the promise resolves, and waits there. */
async function heldUp(
  broker: Broker,
  taskId: string,
  point: "before append" | "after enqueue",
): Promise<HeldUp> {
  const there = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const held = async () => {
    there.resolve();
    await go.promise;
  };
  if (point === "before append") atNextCall(broker.log, "append", { before: held });
  else atNextCall(broker.queues, "enqueue", { after: held });
  const submitted = isAccepted(broker, taskId);
  await there.promise;
  const goesOn = () => {
    go.resolve();
    return submitted;
  };
  return { goesOn };
}

async function entriesOf(broker: Broker): Promise<string[]> {
  const entries = await Array.fromAsync(broker.queues.entries("default"));
  return entries.map(({ taskId }) => taskId);
}

async function isThere(broker: Broker, taskId: string): Promise<boolean> {
  return (await broker.log.read(taskId)) !== undefined;
}

test("of two submits of one task that both find the queue full, none is told what the other was not", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await using other = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "waits");
  let repeat: boolean | undefined;
  const repeated = async () => {
    repeat = await isAccepted(other, "t");
  };
  atNextCall(broker.queues, "enqueueNew", { after: repeated });
  const first = await isAccepted(broker, "t");
  expect([first, repeat]).toEqual([true, true]);
  expect(await isThere(broker, "t")).toBe(true);
});

test("a repeat that found the queue full takes nothing back for which the first submit found a place", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await using other = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "waits");
  let repeat: HeldUp | undefined;
  const emptied = async () => {
    repeat = await heldUp(other, "t", "after enqueue");
    await broker.queues.remove(waitingOf(await standingOf(broker, "waits")));
  };
  atNextCall(broker.queues, "enqueueNew", { before: emptied });
  expect(await isAccepted(broker, "t")).toBe(true);
  expect(await repeat?.goesOn()).toBe(true);
  expect(await isThere(broker, "t")).toBe(true);
});

test("a task that is accepted in place of an old entry is accepted for its repeat too, though the queue is full", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "t");
  // Its worker has ended it, and not let go of its entry yet.
  await step(broker, "t", TaskState.SUCCEEDED, { attempt: 1 });
  await deleteFinished(broker, "t");
  expect(await isAccepted(broker, "t")).toBe(true);
  expect(await isAccepted(broker, "other")).toBe(false);
  expect(await isAccepted(broker, "t")).toBe(true);
});

test("a repeat that a refusal overtakes is not told OK for the sake of another submit that is then refused", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await using other = await openTestBroker(nats.url, FULL);
  await using third = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "waits");
  let repeat: HeldUp | undefined;
  const repeated = async () => {
    repeat = await heldUp(other, "t", "before append");
  };
  atNextCall(broker.queues, "enqueueNew", { before: repeated });
  expect(await isAccepted(broker, "t")).toBe(false);
  // The next submit has written its spec, and found the queue full, when the repeat looks again.
  let isRepeatAccepted: boolean | undefined;
  const overtaken = async () => {
    isRepeatAccepted = await repeat?.goesOn();
  };
  atNextCall(third.queues, "enqueueNew", { after: overtaken });
  const isNextAccepted = await isAccepted(third, "t");
  expect([isRepeatAccepted, isNextAccepted]).toEqual([true, true]);
  const { last } = await standingOf(broker, "t");
  expect(last?.state).toBe(TaskState.QUEUED);
});

test("a repeat that finds a place after the first submit has found none keeps the task for both", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await using other = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "waits");
  let repeat: HeldUp | undefined;
  // It finds the place that was free for a moment, after the first submit had found none.
  const repeated = async () => {
    await broker.queues.remove(waitingOf(await standingOf(broker, "waits")));
    repeat = await heldUp(other, "t", "after enqueue");
  };
  atNextCall(broker.queues, "enqueueNew", { after: repeated });
  expect(await isAccepted(broker, "t")).toBe(true);
  expect(await repeat?.goesOn()).toBe(true);
  expect(await isThere(broker, "t")).toBe(true);
  expect(await entriesOf(broker)).toEqual(["t"]);
});

test("a task that is accepted behind the entry of a refused one has a place when that entry is taken away", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await using other = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "waits");
  // Of a repeat that found the place that was free for a moment, after the first submit had found none.
  const refused = await begun(other, "t");
  await broker.queues.remove(waitingOf(await standingOf(broker, "waits")));
  await other.queues.enqueue(refused);
  const mark = await other.log.append(fenceOf(refused), refuseTask("default"));
  expect(mark.kind).toBe("stored");
  await other.log.forgetGone("t");
  // The gateway of the next submit dies before it places its task.
  await broker.log.begin("t", specOf());

  expect(await isAccepted(broker, "t")).toBe(true);
  await other.queues.remove(refused);
  const { nowhere } = await broker.whereabouts.missing([waitingOf(await standingOf(broker, "t"))]);
  expect(nowhere).toEqual([]);
});
