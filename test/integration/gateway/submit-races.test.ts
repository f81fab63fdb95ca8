import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { standingOf, step } from "#test/support/steps.ts";
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
  atNextCall(broker.queues, "enqueue", { after: repeated });
  const first = await isAccepted(broker, "t");
  expect([first, repeat]).toEqual([true, true]);
  expect(await isThere(broker, "t")).toBe(true);
});

test("a repeat that found the queue full takes nothing back for which the first submit found a place", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await using other = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "waits");
  const go = Promise.withResolvers<void>();
  let repeat: Promise<boolean> | undefined;
  const emptied = async () => {
    const { promise: looked, resolve: look } = Promise.withResolvers<void>();
    const held = async () => {
      look();
      await go.promise;
    };
    atNextCall(other.queues, "enqueue", { after: held });
    repeat = isAccepted(other, "t");
    await looked;
    await broker.queues.remove(waitingOf(await standingOf(broker, "waits")));
  };
  atNextCall(broker.queues, "enqueue", { before: emptied });
  expect(await isAccepted(broker, "t")).toBe(true);
  go.resolve();
  expect(await repeat).toBe(true);
  expect(await isThere(broker, "t")).toBe(true);
});

test("a task that was accepted behind an old entry is accepted for its repeat too, though the queue is full by then", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, FULL);
  await isAccepted(broker, "t");
  const first = waitingOf(await standingOf(broker, "t"));
  // Its worker has ended it, and not let go of its entry yet.
  await step(broker, "t", TaskState.SUCCEEDED, { attempt: 1 });
  await deleteFinished(broker, "t");
  expect(await isAccepted(broker, "t")).toBe(true);
  await broker.queues.remove(first);
  expect(await isAccepted(broker, "other")).toBe(true);
  expect(await isAccepted(broker, "t")).toBe(true);
});
