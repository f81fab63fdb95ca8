import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { fenceOf, waitingOf } from "#lib/broker/queues/waiting.ts";
import { beginningBy } from "#test/support/beginning.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, standingOf, step, usedAgain } from "#test/support/steps.ts";
import { restart } from "../../../services/gateway/restart.ts";
import { beginAttempt } from "../../../services/worker/begin-attempt.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { type AttemptOptions, runAttempt } from "../../../services/worker/run-attempt.ts";
import { RunningAttempts } from "../../../services/worker/running-attempts.ts";

async function take(broker: Broker) {
  const source = queueSource("default", "p2");
  const [delivery] = await takeNext(broker.link.use(), [source], AbortSignal.timeout(30_000));
  return delivery ?? expect.unreachable("nothing is handed out");
}

test.each([
  [
    "used again",
    async (broker: Broker) => broker.queues.enqueue(await usedAgain(broker, "t", specOf())),
  ],
  ["started again", (broker: Broker) => restart(broker, { taskId: "t", requestedBy: "ada" })],
])(
  "a worker that is to begin a task hands back what it is given of its next run, when it is %s",
  async (_, again) => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    await broker.queues.enqueue(await begun(broker, "t"));
    const delivery = await take(broker);
    const waiting = delivery.waiting ?? expect.unreachable();
    const running = new RunningAttempts();
    const lease = new Lease(delivery);
    const { epoch } = fenceOf(waiting);
    const held = { taskId: "t", queue: "default", lease, epoch, number: 0, fence: undefined };
    using _held = running.add({ ...held, stop() {} });
    // While a thread starts, say, it expires.
    const prepare = async () => {
      await step(broker, "t", TaskState.EXPIRED);
      await broker.queues.remove(waitingOf(await standingOf(broker, "t")));
      await again(broker);
      const next = await take(broker);
      await runAttempt(next, { broker, running } as Partial<AttemptOptions> as AttemptOptions);
      return { call: () => Promise.reject(new Error()), [Symbol.dispose]() {} };
    };
    const options = beginningBy("w", broker);
    expect(await beginAttempt(lease, waiting, { ...options, prepare })).toBeUndefined();
    const comesAgain = (await take(broker)).waiting ?? expect.unreachable();
    expect(fenceOf(comesAgain).epoch).toBe((await standingOf(broker, "t")).fence.epoch);
  },
);
