import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { isHeldElsewhere } from "../../../services/worker/held-elsewhere.ts";

test("a worker that connects first after an outage gives another one the time to say that it lives", async () => {
  await using nats = await startTestNats();
  await using late = await openTestBroker(nats.url);
  await using broker = await openTestBroker(nats.url);
  const last = create(StateChangeSchema, { state: TaskState.RUNNING, workerId: "late" });
  const waiting = create(WaitingTaskSchema, { taskId: "t", last });
  const silent = create(WaitingTaskSchema, { ...waiting, last: { ...last, workerId: "dead" } });
  const asked = [waiting, silent].map((task) => isHeldElsewhere(task, { broker, workerId: "w" }));

  const left = new AbortController();
  const describe = () => create(WorkerSchema, { id: "late", runningTaskIds: ["t"] });
  const alive = late.workers.keepAlive(describe, left.signal);
  expect(await Promise.all(asked)).toEqual([true, false]);
  left.abort();
  await alive;
});
