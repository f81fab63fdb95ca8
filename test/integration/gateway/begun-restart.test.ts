import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { RedriveDeadLettersRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { queueSource, takeNext } from "#lib/broker/queues/pull.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { BrokerAway } from "#lib/task/errors.ts";
import { after } from "#lib/task/state-change.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun, livesOf, standingOf, step } from "#test/support/steps.ts";
import { until } from "#test/support/until.ts";
import { cancel } from "../../../services/gateway/cancel.ts";
import { redrive } from "../../../services/gateway/redrive.ts";
import { restart } from "../../../services/gateway/restart.ts";

const ASKED = { reason: "", requestedBy: "ada" };
const RESTART = { taskId: "t", requestedBy: "bob" };
const NEVER = new AbortController().signal;

/** A task that has ended; what still lies in its queue, a worker or a gateway that died did not take away. */
async function ended(broker: Broker, state: TaskState, { withEntry = false } = {}): Promise<void> {
  const waiting = await begun(broker, "t");
  if (withEntry) await broker.queues.enqueue(waiting);
  await step(broker, "t", state, { attempt: 1 });
}

/** A restart whose gateway dies before the log has it. */
async function beginRestart(broker: Broker): Promise<void> {
  const killed = () => Promise.reject(new Error("killed"));
  atNextCall(broker.log, "append", { before: killed });
  await expect(restart(broker, RESTART)).rejects.toThrow("killed");
}

const CANCELED_AFTER_RESTART = { state: TaskState.CANCELED, restarts: 1 };

test.for([
  [TaskState.CANCELED, false],
  [TaskState.FAILED, false],
  [TaskState.CANCELED, true],
  [TaskState.FAILED, true],
] as const)(
  "a cancel after a restart that was only begun keeps the task from starting (state %i, behind an old entry: %s)",
  async ([state, withEntry]) => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    await ended(broker, state, { withEntry });
    await beginRestart(broker);
    expect(await cancel(broker, "t", ASKED)).toMatchObject(CANCELED_AFTER_RESTART);
    expect(await broker.schedule.find("t")).toBeUndefined();
  },
);

test("so does one that comes when the restart is due already", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await ended(broker, TaskState.CANCELED, { withEntry: true });
  await beginRestart(broker);
  const entry = waitingOf(await standingOf(broker, "t"));
  await until(async () => (await broker.schedule.findDue(entry)) !== undefined);
  expect(await cancel(broker, "t", ASKED)).toMatchObject(CANCELED_AFTER_RESTART);
});

test("a cancel stops the task that a worker has just begun from a restart", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await ended(broker, TaskState.CANCELED);
  await beginRestart(broker);
  const entry = await broker.queues.find(waitingOf(await standingOf(broker, "t")));
  const begins = async () => {
    const change = { state: TaskState.RUNNING, attempt: 2, workerId: "w" };
    await broker.log.append((await standingOf(broker, "t")).fence, after(entry?.last, change));
  };
  atNextCall(broker.queues, "find", { after: begins });
  expect(await cancel(broker, "t", ASKED)).toMatchObject(CANCELED_AFTER_RESTART);
  expect((await standingOf(broker, "t")).task.state).toBe(TaskState.CANCELED);
});

test("what a restart has become since is not written down again", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await ended(broker, TaskState.FAILED);
  const goesOn = async () => {
    const { task } = await standingOf(other, "t");
    await restart(other, RESTART);
    await other.queues.remove(waitingOf(await standingOf(other, "t")));
    await step(other, "t", TaskState.RUNNING, { attempt: task.attempt + 1, workerId: "w" });
    await step(other, "t", TaskState.RETRYING);
    const retry = waitingOf(await standingOf(other, "t"));
    await other.schedule.plan(retry, new Date(Date.now() + 60_000));
  };
  atNextCall(broker.log, "read", { after: goesOn });
  await cancel(broker, "t", ASKED);
  expect(await livesOf(broker, "t")).toEqual([
    "FAILED 0",
    "QUEUED 1",
    "RUNNING 1",
    "RETRYING 1",
    "CANCELED 1",
  ]);
});

test("a restart that was answered is not lost to a gateway that still plans for the life before", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using mover = await openTestBroker(nats.url);
  const first = await begun(broker, "t");
  await step(broker, "t", TaskState.RETRYING, { attempt: 1, failures: 1 });
  await broker.schedule.plan(waitingOf(await standingOf(broker, "t")), new Date());
  const { promise: frozen, resolve: freeze } = Promise.withResolvers<void>();
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
  let restarting: Promise<unknown> | undefined;
  // Stored, but its answer is lost. Meanwhile it runs and fails for good, and somebody starts it again.
  const lost = async () => {
    await step(broker, "t", TaskState.RUNNING, { attempt: 2, workerId: "w" });
    await step(broker, "t", TaskState.FAILED);
    const freezes = () => {
      freeze();
      return thawed;
    };
    atNextCall(broker.log, "append", { before: freezes });
    restarting = restart(broker, RESTART);
    await frozen;
    throw new BrokerAway();
  };
  atNextCall(mover.queues, "enqueue", { after: lost });
  const stop = new AbortController();
  const moving = mover.schedule.moveDueTasks(stop.signal);
  await frozen;
  const plannedAnew = async () => (await mover.schedule.find("t"))?.last?.restarts === 0;
  await until(plannedAnew);
  await mover.queues.remove(first);
  // The old life comes to its queue once more, and its worker finds nothing to do.
  const [late] = await takeNext(mover.link.use(), [queueSource("default", "p2")], NEVER);
  late?.done();
  thaw();
  await restarting;
  const placed = async () => {
    const standing = waitingOf(await standingOf(mover, "t"));
    return (await mover.queues.find(standing)) !== undefined;
  };
  await until(placed);
  stop.abort();
  await moving;
});

test("a redrive does not start a task that was started again and canceled since it was found", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  await ended(broker, TaskState.FAILED);
  const meanwhile = async () => {
    await restart(other, RESTART);
    await cancel(other, "t", ASKED);
  };
  atNextCall(broker.log, "read", { before: meanwhile });
  const request = create(RedriveDeadLettersRequestSchema, { requestedBy: "eve" });
  expect(await redrive(broker, request, NEVER)).toMatchObject({ matched: 1, restarted: 0 });
  expect((await standingOf(other, "t")).task.state).toBe(TaskState.CANCELED);
});
