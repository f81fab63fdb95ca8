import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { Names } from "#lib/broker/names.ts";
import { HistoryFull, OutcomeUnknown, QueueFull } from "#lib/task/errors.ts";
import { shareTaken } from "#lib/task/retention.ts";
import { openTestBroker, specOf, TOPOLOGY } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { cancel } from "../../../services/gateway/cancel.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { restart } from "../../../services/gateway/restart.ts";
import { submit } from "../../../services/gateway/submit.ts";
import { moveTask } from "./lived-task.ts";

const { eventsStream } = new Names();
const STEP_BYTES = 16;

/** Leaves the history so many bytes of room. */
async function leaveRoom(broker: Broker, bytes: number): Promise<void> {
  const { streams } = broker.link.use().jsm;
  const { state } = await streams.info(eventsStream);
  await streams.update(eventsStream, { max_bytes: state.bytes + bytes });
}

async function refusalOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("a submit that says that nothing was accepted has left nothing, however full queue and history are", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queueMaxTasks: 1 });
  const spec = specOf();
  const asked = { asked: spec, spec };
  await submit(broker, "waits", asked);

  const seen = new Set<unknown>();
  for (let step = 0; !seen.has(QueueFull); step += 1) {
    await leaveRoom(broker, step * STEP_BYTES);
    const taskId = `task-${String(step).padStart(3, "0")}`;
    const refusal = await refusalOf(submit(broker, taskId, asked));
    expect([taskId, await broker.log.read(taskId)]).toEqual([taskId, undefined]);
    seen.add(refusal?.constructor);
  }
  expect([...seen]).toEqual([HistoryFull, QueueFull]);
});

test("a submit that could not be taken back, for nats-server has no room to lend, is answered so and may yet run", async () => {
  const store = 64 * 2 ** 20;
  await using nats = await startTestNats({ extraConfig: { jetstream: { max_file_store: store } } });
  await using broker = await openTestBroker(nats.url, {
    queueMaxTasks: 1,
    historyMaxBytes: 2 ** 20,
  });
  const spec = specOf();
  const asked = { asked: spec, spec };
  await submit(broker, "waits", asked);
  await leaveRoom(broker, 0);
  const { jsm } = broker.link.use();
  const { reserved_storage: reserved = 0 } = await jsm.getAccountInfo();
  await jsm.streams.add({
    name: "OTHERS",
    subjects: ["others"],
    max_bytes: store - reserved - 8_192,
  });

  const seen = new Set<unknown>();
  for (let step = 0; !seen.has(QueueFull); step += 1) {
    await leaveRoom(broker, step * STEP_BYTES);
    const taskId = `task-${String(step).padStart(3, "0")}`;
    const refusal = await refusalOf(submit(broker, taskId, asked));
    const isLeft = (await broker.log.read(taskId)) !== undefined;
    expect([taskId, isLeft]).toEqual([taskId, refusal instanceof OutcomeUnknown]);
    seen.add(refusal?.constructor);
  }
  expect([...seen]).toEqual([HistoryFull, OutcomeUnknown, QueueFull]);
});

test("tasks that wait in a history that is full to the last byte can start and end, and be canceled", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const spec = specOf();
  for (const id of ["runs", "canceled", "x"]) await submit(broker, id, { asked: spec, spec });
  const fence = (await broker.log.read("runs"))?.fence ?? expect.unreachable();
  const { streams } = broker.link.use().jsm;
  const { state } = await streams.info(eventsStream);
  await leaveRoom(broker, 0);
  const running = await moveTask(broker, fence, TaskState.RUNNING);
  await moveTask(broker, running, TaskState.SUCCEEDED);
  await cancel(broker, "canceled", { reason: "", requestedBy: "ada" });
  await expect(submit(broker, "new", { asked: spec, spec })).rejects.toThrow(HistoryFull);
  const { config } = await streams.info(eventsStream);
  expect(config.max_bytes).toBe(state.bytes);
});

test("a history has room for the ends of its tasks when it takes no new ones, and answers repeats", async () => {
  await using nats = await startTestNats();
  const historyMaxBytes = 2 ** 20;
  await using broker = await openTestBroker(nats.url, { historyMaxBytes });
  const input = create(AnySchema, { typeUrl: "x/a.B", value: new Uint8Array(10_000) });
  const spec = { ...specOf(), input };
  const asked = { asked: spec, spec };
  const refusals: unknown[] = [];
  for (let task = 0; refusals.length === 0; task += 1) {
    const refusal = await refusalOf(submit(broker, `task-${task}`, asked));
    if (refusal !== undefined) refusals.push(refusal);
  }
  expect(refusals).toEqual([expect.any(HistoryFull)]);
  const share = shareTaken(await broker.space.usage());
  expect(share).toBeGreaterThan(0.85);
  expect(share).toBeLessThanOrEqual(0.9);
  expect(await submit(broker, "task-0", asked)).toMatchObject({ deduplicated: true });
});

test("a restart that the history has no room for leaves nothing, and says so", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const spec = specOf();
  await submit(broker, "again", { asked: spec, spec });
  await cancel(broker, "again", { reason: "", requestedBy: "ada" });
  await leaveRoom(broker, 0);
  await expect(restart(broker, { taskId: "again", requestedBy: "bob" })).rejects.toThrow(
    HistoryFull,
  );
  expect(await broker.queues.depth("default")).toEqual({ waiting: 0, inFlight: 0 });
  await leaveRoom(broker, 10_000);
  expect(await restart(broker, { taskId: "again", requestedBy: "bob" })).toMatchObject({
    restarts: 1,
  });
});

test("ended tasks can be deleted from a history that is full, by two gateways at once, and make room for new ones", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const spec = specOf();
  const ids = Array.from({ length: 20 }, (_, index) => `task-${index}`);
  for (const id of ids) {
    await submit(broker, id, { asked: spec, spec });
    await cancel(broker, id, { reason: "", requestedBy: "ada" });
  }
  await leaveRoom(broker, 0);
  await expect(submit(broker, "new", { asked: spec, spec })).rejects.toThrow(HistoryFull);

  const deletes = ids.map((id, index) => deleteFinished(index % 2 ? broker : other, id));
  expect(await Promise.all(deletes)).toEqual(ids.map(() => true));
  expect(await Promise.all(ids.map((id) => broker.log.read(id)))).toEqual(ids.map(() => undefined));
  await submit(broker, "new", { asked: spec, spec });
  await broker.link.repair();
  const { config } = await broker.link.use().jsm.streams.info(eventsStream);
  expect(config.max_bytes).toBe(TOPOLOGY.historyMaxBytes);
});
