import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { openTestBroker, queueSource } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, standingOf, step } from "#test/support/steps.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { type AttemptOptions, runAttempt } from "../../../services/worker/run-attempt.ts";
import { RunningAttempts } from "../../../services/worker/running-attempts.ts";

const NEVER = new AbortController().signal;

test("a worker that is given a task whose attempt it has lost stops that attempt, and begins no other beside it", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.queues.enqueue(await begun(broker, "t"));
  await step(broker, "t", TaskState.RUNNING, { attempt: 1, workerId: "w" });
  const { fence } = await standingOf(broker, "t");
  const take = async () => {
    const [delivery] = await takeNext(broker.link.use(), [queueSource("default", "p2")], NEVER);
    return delivery ?? expect.unreachable();
  };
  const delivery = await take();
  const running = new RunningAttempts();
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  const lease = new Lease(delivery);
  const held = { taskId: "t", queue: "default", lease, epoch: fence.epoch, number: 1, fence, stop };
  using _ = running.add(held);
  // Another worker has had it meanwhile, and died.
  await step(broker, "t", TaskState.RUNNING, { attempt: 2, workerId: "other" });

  const options: Partial<AttemptOptions> = { broker, running };
  await runAttempt(delivery, options as AttemptOptions);
  expect(stopped).toBe(true);
  expect(running.count).toBe(1);
  expect((await take()).taskId).toBe("t");
});
