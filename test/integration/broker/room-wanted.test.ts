import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";

const waiting = (taskId: string) => create(WaitingTaskSchema, { taskId, spec: specOf() });

async function makeRoom(broker: Broker): Promise<void> {
  for await (const { sequence } of broker.queues.entries("default")) {
    await broker.queues.discard("default", sequence);
    return;
  }
}

test("a place that gets free in a full queue is for the accepted task that waits for it, whichever gateway is asked", async () => {
  await using nats = await startTestNats();
  await using one = await openTestBroker(nats.url, { queueMaxTasks: 2 });
  await using other = await openTestBroker(nats.url, { queueMaxTasks: 2 });
  const over = new AbortController();
  const following = other.roomWanted.follow(over.signal);
  for (const taskId of ["a", "b"]) await one.queues.enqueueNew(waiting(taskId));

  await until(async () => {
    await expect(one.queues.enqueue(waiting("accepted"))).rejects.toThrow(QueueFull);
    return other.roomWanted.has("default");
  });
  await makeRoom(one);
  for (const { queues } of [one, other]) {
    await expect(queues.enqueueNew(waiting("new"))).rejects.toThrow(QueueFull);
  }
  expect(await one.queues.enqueue(waiting("accepted"))).toBe(true);

  // Nobody has asked for it again: then nobody waits.
  await makeRoom(one);
  await until(() => one.queues.enqueueNew(waiting("new")));
  over.abort();
  await following;
});
