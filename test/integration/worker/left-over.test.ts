import { create } from "@bufbuild/protobuf";
import {
  anyPack,
  BoolValueSchema,
  durationFromMs,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { finishAttempt } from "#lib/task/next-state.ts";
import { DEFAULT_RETRY_POLICY } from "#lib/task/retry.ts";
import { after } from "#lib/task/state-change.ts";
import { beginningBy } from "#test/support/beginning.ts";
import { openTestBroker, QUIET, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, livesOf, standingOf, step, usedAgain } from "#test/support/steps.ts";
import { until } from "#test/support/until.ts";
import { AttemptNotes } from "../../../services/worker/attempt-notes.ts";
import { type Begun, beginAttempt } from "../../../services/worker/begin-attempt.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { offerLater } from "../../../services/worker/offer-later.ts";
import { settle } from "../../../services/worker/settle.ts";

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;
const SOON = { kind: "retry", code: "DOWN", message: "down", retryAfterMs: 300 } as const;

async function next(broker: Broker, type?: string): Promise<Delivery & { waiting: WaitingTask }> {
  for (;;) {
    const source = queueSource("default", "p2", type);
    const [delivery] = await takeNext(broker.link.use(), [source], NEVER);
    if (delivery?.waiting) return Object.assign(delivery, { waiting: delivery.waiting });
  }
}

async function begin(broker: Broker, workerId: string): Promise<Begun & { lease: Lease }> {
  const delivery = await next(broker);
  const lease = new Lease(delivery);
  const attempt = await beginAttempt(lease, delivery.waiting, beginningBy(workerId, broker));
  return { ...(attempt ?? expect.unreachable()), lease };
}

/** What is planned, for whichever task. */
async function plansOf(broker: Broker): Promise<string[]> {
  const filter = { subjects_filter: "mr.schedule.*" };
  const { state } = await broker.link.use().jsm.streams.info("MR_SCHEDULE", filter);
  return Object.keys(state.subjects ?? {});
}

function notes(): AttemptNotes {
  return new AttemptNotes(1, () => {});
}

test("an attempt of a deleted task settles nothing of the next task of its id", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.queues.enqueue(await begun(broker, "t"));
  const zombie = await begin(broker, "zombie");
  await step(broker, "t", TaskState.CANCELED);
  await broker.queues.remove(waitingOf(await standingOf(broker, "t")));
  await broker.queues.enqueue(await usedAgain(broker, "t", specOf()));
  const second = await begin(broker, "w");
  const succeeded = after(second.running, { state: TaskState.SUCCEEDED });
  const { lease } = second;
  expect(
    await settle({ broker, lease, begun: second, notes: notes(), log: QUIET }, succeeded),
  ).toBe(true);

  const conditions = { policy: DEFAULT_RETRY_POLICY, nowMs: Date.now() };
  const retrying = finishAttempt(zombie.running, SOON, conditions);
  const settling = { broker, lease: zombie.lease, begun: zombie, notes: notes(), log: QUIET };
  expect(await settle(settling, retrying)).toBe(false);
  expect(await plansOf(broker)).toEqual([]);
});

test("an entry that was left of a deleted task does not run the next task of its id, which keeps its own place", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queues: ["default", "paused"] });
  const specWith = (queue: string, schema: typeof BoolValueSchema | typeof StringValueSchema) =>
    create(TaskSpecSchema, { queue, input: anyPack(schema, create(schema)) });
  await broker.queues.enqueue(await begun(broker, "t", specWith("default", BoolValueSchema)));
  await step(broker, "t", TaskState.SUCCEEDED, { attempt: 1 });
  const second = await usedAgain(broker, "t", specWith("paused", StringValueSchema));
  await broker.queues.enqueue(second);

  const delivery = await next(broker, BoolValueSchema.typeName);
  const options = beginningBy("w", broker);
  expect(await beginAttempt(new Lease(delivery), delivery.waiting, options)).toBeUndefined();
  expect(await livesOf(broker, "t")).not.toContain("RUNNING 0");
  expect(await broker.queues.depth("paused")).toEqual({ waiting: 1, inFlight: 0 });
  await until(async () => (await broker.queues.depth("default")).inFlight === 0);
});

test("such an entry does not start the next task before its time either", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.queues.enqueue(await begun(broker, "t"));
  await step(broker, "t", TaskState.CANCELED);
  const start = { case: "delay" as const, value: durationFromMs(HOUR_MS) };
  const spec = create(TaskSpecSchema, { queue: "default", start });
  const second = await usedAgain(broker, "t", spec);
  await broker.schedule.plan(second, new Date(Date.now() + HOUR_MS));

  const delivery = await next(broker);
  await offerLater(new Lease(delivery), delivery.waiting, beginningBy("w", broker));
  const { task, last } = await standingOf(broker, "t");
  expect(task.state).toBe(TaskState.SCHEDULED);
  expect(last).toBeUndefined();
  const { jsm } = broker.link.use();
  const query = { last_by_subj: `mr.schedule.t:${second.specSequence}` };
  const planned = await jsm.streams.getMessage("MR_SCHEDULE", query);
  const at = planned?.header.get("Nats-Schedule").replace("@at ", "") ?? "";
  expect(Date.parse(at)).toBeGreaterThan(Date.now() + HOUR_MS - 60_000);
});

test("a plan that comes late, in place of the plan of a retry, does not lose the task", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const start = { case: "delay" as const, value: durationFromMs(1) };
  const waiting = await begun(broker, "t", create(TaskSpecSchema, { queue: "default", start }));
  await step(broker, "t", TaskState.RUNNING, { attempt: 1, workerId: "w" });
  await step(broker, "t", TaskState.RETRYING);
  // By a gateway that could not tell that it had moved the task to its queue.
  await broker.schedule.plan(waiting, new Date());
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  expect((await next(broker)).waiting.last).toMatchObject({ state: TaskState.RETRYING });
  stop.abort();
  await moving;
});

test("a plan of a deleted task that comes late does not lose the next task of its id", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const specIn = (ms: number) =>
    create(TaskSpecSchema, {
      queue: "default",
      start: { case: "delay", value: durationFromMs(ms) },
    });
  const old = await begun(broker, "t", specIn(1));
  await step(broker, "t", TaskState.CANCELED);
  const second = await usedAgain(broker, "t", specIn(3_000));
  await broker.schedule.plan(second, new Date(Date.now() + 3_000));
  await broker.schedule.plan(old, new Date());
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  expect((await next(broker)).waiting.specSequence).toBe(second.specSequence);
  stop.abort();
  await moving;
});
