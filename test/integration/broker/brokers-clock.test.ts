import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { beginningBy } from "#test/support/beginning.ts";
import { openTestBroker, queueSource } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { submit } from "../../../services/gateway/submit.ts";
import { beginAttempt } from "../../../services/worker/begin-attempt.ts";
import { Lease } from "../../../services/worker/lease.ts";

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** What a clock that is right says. */
function rightMs(): number {
  return performance.timeOrigin + performance.now();
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: rightMs() + HOUR_MS });
});

afterEach(() => {
  vi.useRealTimers();
});

async function begin(broker: Broker, taskId: string, spec: TaskSpec) {
  await submit(broker, taskId, { asked: spec, spec });
  const [delivery] = await takeNext(broker.link.use(), [queueSource("default", "p2")], NEVER);
  if (!delivery?.waiting) return expect.unreachable();
  return beginAttempt(new Lease(delivery), delivery.waiting, beginningBy("w", broker));
}

test("the broker's time is known to a process whose clock is an hour ahead", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  expect(Date.now() - rightMs()).toBeGreaterThan(HOUR_MS - 1_000);
  expect(Math.abs(broker.clock.nowMs() - rightMs())).toBeLessThan(1_000);
});

test("a task neither expires nor reaches its deadline early because its worker's clock is ahead", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const minute = durationFromMs(60_000);
  const spec = create(TaskSpecSchema, {
    queue: "default",
    expiry: { case: "ttl", value: minute },
    taskTimeout: minute,
  });
  const begun = await begin(broker, "in-time", spec);
  expect(begun?.running).toMatchObject({ attempt: 1, workerId: "w" });
});
