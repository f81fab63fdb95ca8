import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, standingOf, step, usedAgain } from "#test/support/steps.ts";
import { purgeQueue } from "../../../services/gateway/purge-queue.ts";

const NEVER = new AbortController().signal;

test("a purge of a queue leaves a task alone that waits in another one under an id of which an old entry is left", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queues: ["default", "other"] });
  await broker.queues.enqueue(await begun(broker, "t"));
  await step(broker, "t", TaskState.SUCCEEDED, { attempt: 1 });
  await broker.queues.enqueue(await usedAgain(broker, "t", specOf("other")));
  const asked = { reason: "", requestedBy: "ada" };
  const options = { confirmed: 5, asked, signal: NEVER };
  expect(await purgeQueue(broker, "default", options)).toBe(0);
  expect((await standingOf(broker, "t")).task.state).toBe(TaskState.QUEUED);
});
