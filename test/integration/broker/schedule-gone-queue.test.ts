import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

test("due tasks whose queue is gone do not hold up those of other queues", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const last = create(StateChangeSchema, { state: TaskState.RETRYING, attempt: 1 });
  const planNow = async (taskId: string, queue: string) => {
    const waiting = create(WaitingTaskSchema, { taskId, spec: specOf(queue), last });
    await broker.schedule.plan(waiting, new Date());
  };
  for (let n = 0; n < 3; n += 1) await planNow(`homeless-${n}`, "gone");
  // As if the broker let no more than these be on loan at once.
  const { jsm } = broker.link.use();
  await jsm.consumers.update("MR_SCHEDULE", "mover", { max_ack_pending: 3 });

  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  const redelivered = async () => (await jsm.consumers.info("MR_SCHEDULE", "mover")).delivered;
  await expect
    .poll(async () => (await redelivered()).consumer_seq, { timeout: 15_000 })
    .toBeGreaterThanOrEqual(3);
  await planNow("free", "default");
  await expect
    .poll(() => broker.queues.depth("default"), { timeout: 15_000 })
    .toMatchObject({ waiting: 1 });
  stop.abort();
  await moving;
});
