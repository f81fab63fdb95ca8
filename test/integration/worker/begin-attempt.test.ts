import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { beginningBy } from "#test/support/beginning.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { beginAttempt } from "../../../services/worker/begin-attempt.ts";
import { checkpointOf } from "../../../services/worker/checkpoint-of.ts";
import { Lease } from "../../../services/worker/lease.ts";

const NEVER = new AbortController().signal;

async function delivered(broker: Broker, taskId: string) {
  const spec = specOf();
  const specSequence = BigInt((await broker.log.begin(taskId, spec))?.specSequence ?? 0);
  await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec, specSequence }));
  const [delivery] = await takeNext(broker.link.use(), [queueSource("default", "p2")], NEVER);
  if (!delivery?.waiting) return expect.unreachable();
  return { lease: new Lease(delivery), waiting: delivery.waiting };
}

test("a task that comes back to the worker that lost its attempt begins a new one, which costs no crash", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const { lease, waiting } = await delivered(broker, "comes-back");
  const options = beginningBy("w", broker);
  const lost = await beginAttempt(lease, waiting, options);
  const next = await beginAttempt(lease, waiting, options);
  expect(lost?.running).toMatchObject({ attempt: 1, crashes: 0 });
  expect(next?.running).toMatchObject({ attempt: 2, crashes: 0 });
  expect(await broker.log.isNewest(lost?.fence ?? expect.unreachable())).toBe(false);
});

test("a start is written when the handler can be called, and not at all if it can't be", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const { lease, waiting } = await delivered(broker, "prepared");
  const stateOf = async () => (await broker.log.read(waiting.taskId))?.last?.state;
  const options = beginningBy("w", broker);
  const unable = { ...options, prepare: () => Promise.resolve(undefined) };
  expect(await beginAttempt(lease, waiting, unable)).toBeUndefined();
  expect(await stateOf()).toBeUndefined();

  let before: TaskState | undefined = TaskState.RUNNING;
  const prepare: typeof options.prepare = async (task) => {
    before = await stateOf();
    return options.prepare(task);
  };
  const begun = await beginAttempt(lease, waiting, { ...options, prepare });
  expect(before).toBeUndefined();
  expect(begun?.running).toMatchObject({ attempt: 1, crashes: 0 });
});

test("what the attempt before saves while the next one is made ready is given to that one", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const { lease, waiting } = await delivered(broker, "saves-late");
  const old = await beginAttempt(lease, waiting, beginningBy("frozen", broker));
  if (!old) return expect.unreachable();
  const options = beginningBy("w", broker);
  const prepare: typeof options.prepare = async (task) => {
    await broker.log.saveCheckpoint(old.fence, checkpointOf(1, "late"));
    return options.prepare(task);
  };
  const next = await beginAttempt(lease, waiting, { ...options, prepare });
  expect(next?.running).toMatchObject({ attempt: 2 });
  expect(next?.checkpoint).toEqual(checkpointOf(1, "late"));
});
