import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
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
