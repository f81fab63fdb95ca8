import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { fenceOf, timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { startAttempt } from "#lib/task/next-state.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { enforceLimits } from "../../../services/gateway/enforce-limits.ts";

const PATIENCE = { timeout: 40_000, interval: 100 };

/** It expires if it has not started by half its time. */
async function limitedTask(broker: Broker, taskTimeoutMs: number) {
  const expiry = { case: "ttl" as const, value: durationFromMs(taskTimeoutMs / 2) };
  const taskTimeout = durationFromMs(taskTimeoutMs);
  await broker.log.begin("t", create(TaskSpecSchema, { ...specOf(), taskTimeout, expiry }));
  const begun = await broker.log.read("t");
  if (!begun) throw new Error("not begun");
  return waitingOf(begun);
}

async function ended(broker: Broker, state: TaskState): Promise<unknown> {
  const stop = new AbortController();
  const enforcing = enforceLimits(broker, stop.signal);
  const last = async () => (await broker.log.read("t"))?.last;
  await expect.poll(async () => (await last())?.state, PATIENCE).toBe(state);
  stop.abort();
  await enforcing;
  return last();
}

test("a task whose worker died, and which no other takes, fails soon after its deadline", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const waiting = await limitedTask(broker, 300);
  await broker.queues.enqueue(waiting);
  const times = timesOfWaiting(waiting, Date.now());
  await broker.timeLimits.set(fenceOf(waiting), times);
  const given = { workerId: "dead", nowMs: Date.now(), maxCrashes: 3, times };
  const start = startAttempt(undefined, given);
  if (start.kind !== "run") throw new Error("can't run");
  await broker.log.append(fenceOf(waiting), start.change);
  expect(await ended(broker, TaskState.FAILED)).toMatchObject({
    attempt: 1,
    error: { code: "TASK_TIMEOUT" },
  });
  // Looked at when a limit of its is reached, and not every second in the 15 until it is ended.
  const { jsm } = broker.link.use();
  const { delivered } = await jsm.consumers.info("MR_SCHEDULE", "enforcer");
  expect(delivered.consumer_seq).toBeLessThan(10);
  await expect.poll(() => broker.queues.depth("default")).toMatchObject({ waiting: 0 });
});

test("a limit of an earlier run that comes late ends nothing, nor takes the place of this run's", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const waiting = await limitedTask(broker, 2_000);
  const times = timesOfWaiting(waiting, Date.now());
  const { expireMs = 0 } = times;
  const run = fenceOf(waiting);
  await broker.timeLimits.set(run, times);
  const earlier = { ...run, epoch: run.epoch - 1 };
  await broker.timeLimits.set(earlier, { expireMs: expireMs - 700, deadlineMs: undefined });
  await ended(broker, TaskState.EXPIRED);
  const { endTime } = (await broker.log.read("t"))?.task ?? {};
  expect(endTime && timestampMs(endTime)).toBeGreaterThanOrEqual(expireMs - 5);
});
