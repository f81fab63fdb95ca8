import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { AckPolicy } from "@nats-io/jetstream";
import pLimit from "p-limit";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Lane } from "#lib/broker/names.ts";
import { takeNow } from "#lib/broker/queues/pull.ts";
import { readQueueFigures } from "#lib/broker/queues/queue-figures.ts";
import { openLog } from "#lib/process/log.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";
import { until } from "#test/support/until.ts";
import { QueueOverseer } from "../../../services/gateway/queue-overseer.ts";

const SILENT = openLog({ name: "test", level: "silent", format: "json" });

const laneOf = (type: string): Lane => ({ queue: "default", level: "p2", type });

/** Makes as many lanes as the broker takes. */
async function fill({ link }: Broker): Promise<void> {
  const { jsm } = link.use();
  const made = Array.from({ length: 1_000 }, (_, index) => `p2+test-Type${index}`);
  const refused = await pLimit(64).map(made, (durable_name) =>
    jsm.consumers
      .add("MR_QUEUE_default", {
        durable_name,
        ack_policy: AckPolicy.Explicit,
        mem_storage: true,
        filter_subject: `mr.queue.default.${durable_name}.*`,
      })
      .then(() => "made", errorMessage),
  );
  expect(new Set(refused)).toEqual(new Set(["made", "maximum consumers limit reached"]));
}

test("a lane is made, and told of, once for all tasks that come to it at the same time", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const told: string[] = [];
  const over = new AbortController();
  broker.lanes.onNew("default", ({ type }) => told.push(type), over.signal);
  await Promise.all(Array.from({ length: 100 }, () => broker.lanes.open(laneOf("test.First"))));
  await broker.lanes.open(laneOf("test.Last"));
  await until(() => told.includes("test.Last"));
  expect(told).toEqual(["test.First", "test.Last"]);
  over.abort();
});

test("a lane that could not be made is made for the next task", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.link.use().jsm.streams.delete("MR_QUEUE_default");
  await expect(broker.lanes.open(laneOf("test.First"))).rejects.toThrow(BrokerUnavailable);
  await broker.link.repair();
  await broker.lanes.open(laneOf("test.First"));
  expect(await broker.lanes.list("default")).toContainEqual(laneOf("test.First"));
});

// A submit was refused after 4 s, and the next one again.
test("a lane whose leader a cluster has yet to choose is used all the same, once it was there", async () => {
  await using nats = await startTestNats();
  await using line = await TcpProxy.open(nats.port);
  await using broker = await openTestBroker(line.url);
  await broker.lanes.open(laneOf("test.First"));
  line.cut();
  await until(() => !broker.link.isUp);
  await broker.link.whenUp(AbortSignal.timeout(30_000));
  const answered = Promise.withResolvers<void>();
  atNextCall(broker.lanes, "restore", { before: () => answered.promise });
  expect(await broker.lanes.open(laneOf("test.First"))).toEqual(laneOf("test.First"));
  answered.reject(new BrokerUnavailable());
  // It was not seen to be there: somebody may have deleted it.
  let isSeen = false;
  const after = async () => {
    isSeen = true;
  };
  atNextCall(broker.lanes, "restore", { after });
  await until(async () => {
    await broker.lanes.open(laneOf("test.First"));
    return isSeen;
  });
});

test("a queue that has as many lanes as the broker takes is used all the same", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await fill(broker);
  const spec = { ...specOf(), input: create(AnySchema, { typeUrl: "x/one.too.Many" }) };
  await broker.queues.enqueue(create(WaitingTaskSchema, { taskId: "a", spec }));
  const taken = await takeNow(broker.link.use(), queueSource("default", "p2"), 1);
  expect(taken.map(({ taskId }) => taskId)).toEqual(["a"]);
});

// They were in no figure, so that a purge was told of fewer tasks than it canceled.
test("tasks wait whose lane was deleted by hand, and are counted so", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const spec = { ...specOf(), input: create(AnySchema, { typeUrl: "x/a.A" }) };
  for (const taskId of ["a", "b", "c"]) {
    await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec }));
  }
  const lane = queueSource("default", "p2", "a.A");
  await takeNow(broker.link.use(), lane, 1);
  const counted = () => readQueueFigures(broker.link, "default");
  await until(async () => (await counted()).inFlight === 1);
  expect(await counted()).toMatchObject({ waiting: 2, inFlight: 1, stranded: 0 });
  await broker.link.use().jsm.consumers.delete(lane.stream, lane.consumer);
  expect(await counted()).toMatchObject({ waiting: 3, inFlight: 0, stranded: 3 });
  expect(await broker.queues.depth("default")).toEqual({ waiting: 3, inFlight: 0 });
});

test("of lanes that were deleted by hand, one that can't be put back keeps back no other", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const { jsm } = broker.link.use();
  for (const taskId of ["a", "b", "c"]) {
    const spec = { ...specOf(), input: create(AnySchema, { typeUrl: `x/${taskId}.A` }) };
    await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec }));
    const lane = queueSource("default", "p2", `${taskId}.A`);
    await jsm.consumers.delete(lane.stream, lane.consumer);
  }
  const refused = new Error("no space left on device");
  atNextCall(broker.lanes, "restore", { before: () => Promise.reject(refused) });
  await expect(broker.lanes.restoreStranded("default")).rejects.toThrow(refused);
  const there = await broker.lanes.list("default");
  expect(there.filter(({ type }) => type !== "")).toHaveLength(2);
});

// They waited for ever: what is put into a lane that is known does not wait for its consumer.
test("what lies in a lane that was deleted by hand goes to the others' where there is no room for it any more", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const lane = queueSource("default", "p2", "a.A");
  const put = (taskId: string) => {
    const spec = { ...specOf(), input: create(AnySchema, { typeUrl: "x/a.A" }) };
    return broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec }));
  };
  await put("a");
  await broker.link.use().jsm.consumers.delete(lane.stream, lane.consumer);
  await fill(broker);
  await put("b");

  const over = new AbortController();
  const overseer = new QueueOverseer(broker, ["default"], SILENT);
  const overseen = overseer.follow(over.signal);
  await until(async () => (await overseer.look("default")).stranded === 0);
  over.abort();
  await overseen;
  const taken = await takeNow(broker.link.use(), queueSource("default", "p2"), 10);
  expect(taken.map(({ taskId }) => taskId)).toEqual(["a", "b"]);
});
