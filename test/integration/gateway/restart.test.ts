import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { TaskNotFinished } from "#lib/task/errors.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, usedAgain } from "#test/support/steps.ts";
import { cancel } from "../../../services/gateway/cancel.ts";
import { restart } from "../../../services/gateway/restart.ts";

const ASKED = { reason: "", requestedBy: "ada" };

async function canceledTask(broker: Broker, taskId: string): Promise<string> {
  await broker.log.begin(taskId, specOf());
  await cancel(broker, taskId, ASKED);
  return taskId;
}

test("a task that is started again while its cancelation is repeated waits in its queue, or is canceled", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  for (let round = 0; round < 100; round += 1) {
    const taskId = await canceledTask(broker, `task-${round}`);
    await Promise.all([
      restart(broker, { taskId, requestedBy: "bob" }),
      cancel(other, taskId, ASKED),
    ]);
    const standing = await broker.log.read(taskId);
    if (!standing || standing.task.state === TaskState.CANCELED) continue;
    const { nowhere } = await broker.whereabouts.missing([waitingOf(standing)]);
    expect(nowhere).toEqual([]);
  }
});

test("a restart is not told OK for the restart of another task that has its id by then", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const taskId = await canceledTask(broker, "t");
  const anotherRestarted = async () => {
    await usedAgain(other, taskId, specOf());
    await cancel(other, taskId, ASKED);
    await restart(other, { taskId, requestedBy: "bob" });
  };
  atNextCall(broker.log, "append", { before: anotherRestarted });
  const overtaken = restart(broker, { taskId, requestedBy: "ada" });
  await expect(overtaken).rejects.toThrow(TaskNotFinished);
});

test("a cancel answers with the task that it canceled, though its id is another's by then", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const { specSequence } = await begun(broker, "t");
  atNextCall(broker.queues, "remove", { after: () => usedAgain(other, "t", specOf()) });
  const canceled = await cancel(broker, "t", ASKED);
  expect(canceled).toMatchObject({ state: TaskState.CANCELED, canceledBy: "ada" });
  expect(canceled.sequence).toBe(specSequence + 1n);
});

test("a restart that has ended and was deleted by the time of its answer starts nothing else again", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const taskId = await canceledTask(broker, "t");
  const overAndUsedAgain = async () => {
    await cancel(other, taskId, ASKED);
    await usedAgain(other, taskId, specOf());
    await cancel(other, taskId, ASKED);
  };
  atNextCall(broker.log, "append", { after: overAndUsedAgain });
  const restarted = await restart(broker, { taskId, requestedBy: "ada" });
  expect(restarted).toMatchObject({ restarts: 1, state: TaskState.QUEUED, restartedBy: "ada" });
  expect((await broker.log.read(taskId))?.task).toMatchObject({ restarts: 0 });
});
