import { setTimeout } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { RedriveDeadLettersRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { BrokerUnavailable, TaskNotFinished } from "#lib/task/errors.ts";
import { openTestBroker, QUIET, queueSource, specOf } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, livesOf, standingOf, step, usedAgain } from "#test/support/steps.ts";
import { cancel } from "../../../services/gateway/cancel.ts";
import { adoptOrphans } from "../../../services/gateway/janitor/adopt-orphans.ts";
import { JanitorFigures } from "../../../services/gateway/janitor/figures.ts";
import { redrive } from "../../../services/gateway/redrive.ts";
import { restart } from "../../../services/gateway/restart.ts";

const ASKED = { reason: "", requestedBy: "ada" };
const NEVER = new AbortController().signal;

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
  atNextCall(broker.log, "beginRun", { before: anotherRestarted });
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

test("a cancel answers with the task as it canceled it, though it was started again since", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await broker.log.begin("t", specOf());
  const again = () => restart(other, { taskId: "t", requestedBy: "bob" });
  atNextCall(broker.log, "readAgain", { before: again });
  expect(await cancel(broker, "t", ASKED)).toMatchObject({ state: TaskState.CANCELED });
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
  atNextCall(broker.log, "beginRun", { after: overAndUsedAgain });
  const restarted = await restart(broker, { taskId, requestedBy: "ada" });
  expect(restarted).toMatchObject({ restarts: 1, state: TaskState.QUEUED, restartedBy: "ada" });
  expect((await broker.log.read(taskId))?.task).toMatchObject({ restarts: 0 });
});

/** A task that has failed; its worker died before it let go of the entry. */
async function failedTask(broker: Broker): Promise<WaitingTask> {
  const entry = await begun(broker, "t");
  await broker.queues.enqueue(entry);
  await step(broker, "t", TaskState.FAILED, { attempt: 1 });
  return entry;
}

const RESTART = { taskId: "t", requestedBy: "bob" };

/** The next task of the queue, as it is handed out. */
async function next(broker: Broker): Promise<Delivery> {
  const source = [queueSource("default", "p2")];
  for (;;) {
    const [delivery] = await takeNext(broker.link.use(), source, NEVER);
    if (delivery) return delivery;
  }
}

test("a restart has the place that the run before has not left yet, and keeps it when that is let go of", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await failedTask(broker);
  const held = await next(broker);
  await restart(broker, RESTART);
  held.done();
  const { waiting } = await next(broker);
  expect(waiting?.last).toMatchObject({ state: TaskState.QUEUED, restarts: 1 });
  expect(await livesOf(broker, "t")).toEqual(["FAILED 0", "QUEUED 1"]);
});

test("a restart whose gateway can't place the task any more is placed by the janitor", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await failedTask(broker);
  atNextCall(broker.queues, "enqueue", { before: () => Promise.reject(new BrokerUnavailable()) });
  expect(await restart(broker, RESTART)).toMatchObject({ state: TaskState.QUEUED, restarts: 1 });
  expect((await next(broker)).waiting?.last).toBeUndefined();
  const figures = new JanitorFigures();
  await adoptOrphans({ broker, log: QUIET, figures, ageMs: 0 }).pass(NEVER);
  expect(figures.orphansEnqueued).toBe(1);
  expect((await next(broker)).waiting?.last).toMatchObject({ restarts: 1 });
});

test("a restart of a task whose queue is full is accepted, and has its place when there is room", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queueMaxTasks: 1 });
  await broker.queues.remove(await failedTask(broker));
  await broker.queues.enqueue(await begun(broker, "first"));
  expect(await restart(broker, RESTART)).toMatchObject({ state: TaskState.QUEUED, restarts: 1 });
  const stop = new AbortController();
  const moving = broker.schedule.moveDueTasks(stop.signal);
  (await next(broker)).done();
  expect(await next(broker)).toMatchObject({ taskId: "t", waiting: { last: { restarts: 1 } } });
  stop.abort();
  await moving;
});

test("what was planned for the run before comes to nothing, before the restart has its place and after", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await begun(broker, "t");
  await step(broker, "t", TaskState.RETRYING, { attempt: 1, failures: 1 });
  const before = waitingOf(await standingOf(broker, "t"));
  await step(broker, "t", TaskState.FAILED);
  await broker.queues.enqueue(before);
  await restart(broker, RESTART);
  expect(await broker.queues.enqueue(before)).toBe(false);
  const { waiting } = await next(broker);
  expect(waiting?.last).toMatchObject({ state: TaskState.QUEUED, restarts: 1 });
});

test("a task that is canceled after a restart stays so, whatever is left of it", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await failedTask(broker);
  atNextCall(broker.queues, "enqueue", { before: () => Promise.reject(new BrokerUnavailable()) });
  await restart(broker, RESTART);
  expect(await cancel(broker, "t", ASKED)).toMatchObject({
    state: TaskState.CANCELED,
    restarts: 1,
  });
  expect(await broker.queues.depth("default")).toEqual({ waiting: 0, inFlight: 0 });
});

test("every event of a run says which run it is of", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const { specSequence } = await begun(broker, "t");
  await step(broker, "t", TaskState.RUNNING, { attempt: 1 });
  await step(broker, "t", TaskState.FAILED);
  const { sequence } = await restart(broker, RESTART);
  await step(broker, "t", TaskState.RUNNING, { attempt: 2 });
  await step(broker, "t", TaskState.FAILED);
  const { task, fence } = await standingOf(broker, "t");
  const events = await Array.fromAsync(broker.log.history("t", 0n, task.sequence));
  const epochs = events.flatMap(({ facet }) => (facet.case === "state" ? [facet.value.epoch] : []));
  expect(epochs).toEqual([specSequence, specSequence, 0n, sequence, sequence]);
  expect(fence.epoch).toBe(Number(sequence));
});

test("a redrive does not start a task that was started again and canceled since it was found", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await failedTask(broker);
  const meanwhile = async () => {
    await restart(other, RESTART);
    await cancel(other, "t", ASKED);
  };
  atNextCall(broker.log, "read", { before: meanwhile });
  const request = create(RedriveDeadLettersRequestSchema, { requestedBy: "eve" });
  expect(await redrive(broker, request, NEVER)).toMatchObject({ matched: 1, restarted: 0 });
  expect((await standingOf(other, "t")).task.state).toBe(TaskState.CANCELED);
});

test("a restart that is meant for one end answers only for what it has started itself", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const taskId = await canceledTask(broker, "t");
  const { stateSequence: endSequence } = (await standingOf(broker, taskId)).fence;
  const faster = () => restart(other, { taskId, requestedBy: "bob" });
  atNextCall(broker.log, "beginRun", { before: faster });
  const redriven = restart(broker, { taskId, requestedBy: "ada", endSequence });
  await expect(redriven).rejects.toThrow(TaskNotFinished);
  expect((await standingOf(broker, taskId)).task).toMatchObject({
    restarts: 1,
    restartedBy: "bob",
  });
});

test("a redrive passes over dead letters that are too old, and starts as many younger ones as it may", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const failed = async (taskId: string) => {
    await begun(broker, taskId);
    await step(broker, taskId, TaskState.FAILED, { attempt: 1 });
  };
  for (const taskId of ["old-1", "old-2", "old-3"]) await failed(taskId);
  const [, oldMs] = await Promise.all([setTimeout(500), broker.clock.nowMs()]);
  for (const taskId of ["young-1", "young-2"]) await failed(taskId);
  // As if events were kept for so long that only the later ones are young enough.
  const historyMs = (broker.clock.nowMs() - oldMs - 100) / 0.95;
  const short: Broker = Object.create(broker, { historyMs: { value: historyMs } });
  const request = create(RedriveDeadLettersRequestSchema, { limit: 2 });
  expect(await redrive(short, request, NEVER)).toMatchObject({ restarted: 2, failures: [] });
  expect((await standingOf(broker, "young-2")).task.restarts).toBe(1);
});
