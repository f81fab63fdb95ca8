import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { takeNext } from "#lib/broker/queues/pull.ts";
import { allStored, openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { ElbowRoom } from "../../../services/worker/elbow-room.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { offerLater } from "../../../services/worker/offer-later.ts";

const NEVER = new AbortController().signal;

test("a task that comes to a worker without its handler is left to the worker that runs it", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const [taskId, spec] = ["t", specOf()];
  const fence = (await broker.log.begin(taskId, spec)) ?? expect.unreachable();
  const specSequence = BigInt(fence.specSequence);
  await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec, specSequence }));
  const state = TaskState.RUNNING;
  const running = create(StateChangeSchema, { state, attempt: 1, workerId: "other" });
  await broker.log.append(fence, running);
  const left = new AbortController();
  const describe = () => create(WorkerSchema, { id: "other", runningTaskIds: [taskId] });
  const alive = broker.workers.keepAlive(describe, left.signal);
  await until(async () => (await broker.workers.lastSign("other")) !== undefined);

  // As after an outage: the broker hands out anew what the other one has.
  const [delivery] = await takeNext(broker.link.use(), [queueSource("default", "p2")], NEVER);
  if (!delivery?.waiting) return expect.unreachable();
  const options = { broker, workerId: "w", maxCrashes: 3, room: new ElbowRoom() };
  await offerLater(new Lease(delivery), delivery.waiting, options);
  await allStored(broker);
  expect(await broker.queues.depth("default")).toEqual({ waiting: 0, inFlight: 1 });
  left.abort();
  await alive;
});
