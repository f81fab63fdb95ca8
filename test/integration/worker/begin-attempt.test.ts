import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { queueSource, takeNext } from "#lib/broker/queues/pull.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { beginAttempt } from "../../../services/worker/begin-attempt.ts";
import { ElbowRoom } from "../../../services/worker/elbow-room.ts";
import { Lease } from "../../../services/worker/lease.ts";

const NEVER = new AbortController().signal;

test("a task that comes back to the worker that lost its attempt begins a new one, which costs no crash", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const spec = specOf();
  const taskId = "comes-back";
  const specSequence = BigInt((await broker.log.begin(taskId, spec))?.specSequence ?? 0);
  await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec, specSequence }));
  const [delivery] = await takeNext(broker.link.use(), [queueSource("default", "p2")], NEVER);
  if (!delivery?.waiting) return expect.unreachable();

  const who = { workerId: "w", maxCrashes: 3, room: new ElbowRoom() };
  const options = { broker, ...who, signal: NEVER };
  const lease = new Lease(delivery);
  const lost = await beginAttempt(lease, delivery.waiting, options);
  const next = await beginAttempt(lease, delivery.waiting, options);
  expect(lost?.running).toMatchObject({ attempt: 1, crashes: 0 });
  expect(next?.running).toMatchObject({ attempt: 2, crashes: 0 });
  expect(await broker.log.isNewest(lost?.fence ?? expect.unreachable())).toBe(false);
});
