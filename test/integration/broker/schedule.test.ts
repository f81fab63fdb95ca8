import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import {
  Priority,
  StateChangeSchema,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { takeNext, takeNow } from "#lib/broker/queues/pull.ts";
import { fenceOf, waitingOf } from "#lib/broker/queues/waiting.ts";
import { QueueFull } from "#lib/task/errors.ts";
import { deleteTask } from "#lib/task/next-state.ts";
import { openTestBroker, queueSource } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, standingOf, step } from "#test/support/steps.ts";

const SOURCE = queueSource("default", "p2");

const SPEC = { queue: "default", priority: Priority.NORMAL };

function waitingTask(taskId: string) {
  return create(WaitingTaskSchema, { taskId, spec: SPEC });
}

/** A task that the log has as waiting for its next attempt. */
async function retryingTask(broker: Broker, taskId: string): Promise<WaitingTask> {
  await begun(broker, taskId, create(TaskSpecSchema, SPEC));
  await step(broker, taskId, TaskState.RETRYING, { attempt: 1 });
  return waitingOf(await standingOf(broker, taskId));
}

async function next(broker: Broker): Promise<Delivery> {
  for (;;) {
    const connected = broker.link.use();
    const [delivery] = await takeNext(connected, [SOURCE], new AbortController().signal);
    if (delivery) return delivery;
  }
}

test("a planned task is in its queue at its time, and once, whoever moves it", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const stop = new AbortController();
  const moving = [broker, other].map((each) => each.schedule.moveDueTasks(stop.signal));
  const waiting = await retryingTask(broker, "t");
  const at = Date.now() + 600;
  await broker.schedule.plan(waiting, new Date(at));

  const delivery = await next(broker);
  expect(Date.now()).toBeGreaterThanOrEqual(at - 5);
  const { stateSequence } = waiting;
  expect(delivery).toMatchObject({ taskId: "t", waiting: { stateSequence } });
  delivery.done();
  await broker.link.use().nc.flush();
  expect(await takeNow(broker.link.use(), SOURCE, 10)).toEqual([]);
  stop.abort();
  await Promise.all(moving);
});

test("a retry that is due before its worker has let go of the last attempt is not lost", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  await broker.queues.enqueue(await begun(broker, "t", create(TaskSpecSchema, SPEC)));
  const held = await next(broker);
  await step(broker, "t", TaskState.RETRYING, { attempt: 1 });
  const waiting = waitingOf(await standingOf(broker, "t"));
  await broker.schedule.plan(waiting, new Date());
  const { stateSequence } = waiting;
  expect(await next(broker)).toMatchObject({ waiting: { stateSequence } });
  held.done();
  await broker.link.use().nc.flush();
  expect(await broker.queues.depth("default")).toMatchObject({ inFlight: 1 });
  stop.abort();
  await moving;
});

test("a due task that runs already is dropped, and does not come twice", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  const stale = await retryingTask(broker, "t");
  const running = create(StateChangeSchema, { state: TaskState.RUNNING, attempt: 2 });
  await broker.queues.enqueue(stale);
  await broker.log.append(fenceOf(stale), running);
  const held = await next(broker);
  await broker.schedule.plan(stale, new Date());
  const { jsm } = broker.link.use();
  await expect
    .poll(async () => (await jsm.streams.info("MR_SCHEDULE")).state, { timeout: 15_000 })
    .toMatchObject({ last_seq: 2, messages: 0 });
  held.done();
  expect(await takeNow(broker.link.use(), SOURCE, 10)).toEqual([]);
  stop.abort();
  await moving;
});

test("what waited for its start time is QUEUED in the log before it is in its queue", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  const planned = await begun(broker, "t", create(TaskSpecSchema, SPEC));
  await broker.schedule.plan(planned, new Date(Date.now() + 300));
  const { waiting } = await next(broker);
  const standing = await broker.log.read("t");
  expect(standing?.last?.state).toBe(TaskState.QUEUED);
  expect(Number(waiting?.stateSequence)).toBe(standing?.fence.stateSequence);
  stop.abort();
  await moving;
});

test("what is canceled before its time never comes", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  const canceled = await retryingTask(broker, "canceled");
  await broker.schedule.plan(canceled, new Date(Date.now() + 400));
  await broker.schedule.plan(await retryingTask(broker, "kept"), new Date(Date.now() + 500));
  await broker.schedule.cancel(canceled);
  expect(await next(broker)).toMatchObject({ taskId: "kept" });
  expect(await takeNow(broker.link.use(), SOURCE, 10)).toEqual([]);
  stop.abort();
  await moving;
});

test("a task waits in its queue once, and a full queue says so", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queueMaxTasks: 2 });
  expect(await broker.queues.enqueue(waitingTask("a"))).toBe(true);
  expect(await broker.queues.enqueue(waitingTask("a"))).toBe(false);
  expect(await broker.queues.enqueue(waitingTask("b"))).toBe(true);
  await expect(broker.queues.enqueue(waitingTask("c"))).rejects.toBeInstanceOf(QueueFull);
  expect(await broker.queues.enqueue(waitingTask("b"))).toBe(false);
  expect(await broker.queues.depth("default")).toEqual({ waiting: 2, inFlight: 0 });
  await broker.queues.remove(waitingTask("a"));
  expect(await broker.queues.enqueue(waitingTask("c"))).toBe(true);
});

test("what is planned for a restart stays when the run before it is cleaned up", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const ended = await retryingTask(broker, "t");
  const last = create(StateChangeSchema, { state: TaskState.QUEUED, attempt: 1, restarts: 1 });
  const restarted = create(WaitingTaskSchema, { ...ended, last, stateSequence: 7n });
  await broker.schedule.plan(restarted, new Date(Date.now() + 60_000));
  await broker.schedule.cancel(ended);
  const { jsm } = broker.link.use();
  expect((await jsm.streams.info("MR_SCHEDULE")).state.messages).toBe(1);
  await broker.schedule.cancel(restarted);
  expect((await jsm.streams.info("MR_SCHEDULE")).state.messages).toBe(0);
});

test("what is due of a task that was deleted does not start the next task of its id, which waits for its own time", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const first = await begunTask(broker, "t", 0);
  await broker.schedule.plan(first, new Date());
  const failed = create(StateChangeSchema, { state: TaskState.FAILED, attempt: 1 });
  const ended = await broker.log.append(fenceOf(first), deleteTask(failed));
  if (ended.kind === "stored") await broker.log.forget("t", ended.sequence);
  const second = await begunTask(broker, "t", 3_600_000);

  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  await broker.schedule.plan(second, new Date(Date.now() + 3_600_000));
  const { jsm } = broker.link.use();
  const left = async () => (await jsm.streams.info("MR_SCHEDULE")).state;
  await expect.poll(left, { timeout: 15_000 }).toMatchObject({ messages: 1 });
  const planned = { last_by_subj: `mr.schedule.t:${second.specSequence}` };
  expect(await jsm.streams.getMessage("MR_SCHEDULE", planned)).not.toBeNull();
  expect((await broker.log.read("t"))?.task.state).toBe(TaskState.SCHEDULED);
  expect(await takeNow(broker.link.use(), SOURCE, 10)).toEqual([]);
  stop.abort();
  await moving;
});

function begunTask(broker: Broker, taskId: string, delayMs: number): Promise<WaitingTask> {
  const start = { case: "delay" as const, value: durationFromMs(delayMs) };
  return begun(broker, taskId, create(TaskSpecSchema, { ...SPEC, start }));
}

test("a due message too many of a task that waits in its queue is dropped", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await begun(broker, "t", create(TaskSpecSchema, SPEC));
  await step(broker, "t", TaskState.QUEUED);
  const waiting = waitingOf(await standingOf(broker, "t"));
  await broker.queues.enqueue(waiting);
  await broker.schedule.plan(waiting, new Date());
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  const { jsm } = broker.link.use();
  const schedule = async () => (await jsm.streams.info("MR_SCHEDULE")).state;
  await expect.poll(schedule, { timeout: 20_000 }).toMatchObject({ last_seq: 2, messages: 0 });
  expect(await broker.queues.depth("default")).toEqual({ waiting: 1, inFlight: 0 });
  stop.abort();
  await moving;
});
