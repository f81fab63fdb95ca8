import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { takeNext, takeNow } from "#lib/broker/queues/pull.ts";
import { readQueueFigures } from "#lib/broker/queues/queue-figures.ts";
import { InvalidField, QueueFull } from "#lib/task/errors.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { atNextCall } from "#test/support/interleaving.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";

const SOURCE = queueSource("default", "p2");
const ASKED = { reason: "maintenance", requestedBy: "ada" };
const NEVER = new AbortController().signal;

function put({ queues }: Broker, taskId: string, queue = "default"): Promise<boolean> {
  return queues.enqueue(create(WaitingTaskSchema, { taskId, spec: specOf(queue) }));
}

/** Resolves when a pull waits at the broker. */
async function untilPulled(broker: Broker): Promise<void> {
  const { jsm } = broker.link.use();
  const pulls = async () => (await jsm.consumers.info(SOURCE.stream, SOURCE.consumer)).num_waiting;
  await until(async () => (await pulls()) > 0);
}

test("a pull that waits already when its queue is paused gets no task, and is told so in its time", async () => {
  await using nats = await startTestNats();
  await using worker = await openTestBroker(nats.url);
  await using operator = await openTestBroker(nats.url);
  const waiting = takeNext(worker.link.use(), [SOURCE], NEVER);
  await untilPulled(operator);

  await operator.queueSettings.pause("default", ASKED);
  await put(operator, "a");
  expect(await waiting).toEqual([]);
  expect(await takeNow(worker.link.use(), SOURCE, 10)).toEqual([]);
});

test("a worker that waits when its queue is resumed gets its task at once", async () => {
  await using nats = await startTestNats();
  await using worker = await openTestBroker(nats.url);
  await using operator = await openTestBroker(nats.url);
  await operator.queueSettings.pause("default", ASKED);
  await put(operator, "a");
  const waiting = takeNext(worker.link.use(), [SOURCE], NEVER);
  await untilPulled(operator);

  const resumedMs = performance.now();
  await operator.queueSettings.resume("default");
  const taken = await waiting;
  expect(taken.map(({ taskId }) => taskId)).toEqual(["a"]);
  // Far less than the 4 s after which a worker asks anew.
  expect(performance.now() - resumedMs).toBeLessThan(2_000);
});

test("a process that connects while the queue is being paused resumes it not even for a moment", async () => {
  await using nats = await startTestNats();
  await using operator = await openTestBroker(nats.url);
  await using late = await openTestBroker(nats.url);
  await put(operator, "a");
  const { jsm } = late.link.use();
  // It has read that the queue is not paused, and looks at the queue after that.
  atNextCall(jsm.streams, "info", { before: () => operator.queueSettings.pause("default", ASKED) });
  let resumed = 0;
  const count = async () => {
    resumed += 1;
  };
  atNextCall(jsm.consumers, "resume", { before: count });
  await late.queueSettings.enforce("default");
  expect(resumed).toBe(0);
  expect(await takeNow(operator.link.use(), SOURCE, 10)).toEqual([]);
});

test("a pause outlives the queue's consumers and its stream", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.queueSettings.pause("default", ASKED);
  const { jsm } = broker.link.use();
  await jsm.consumers.delete(SOURCE.stream, SOURCE.consumer);
  await broker.link.repair();
  expect((await jsm.consumers.info(SOURCE.stream, SOURCE.consumer)).paused).toBe(true);

  await jsm.streams.delete(SOURCE.stream);
  await using other = await openTestBroker(nats.url);
  await put(other, "a");
  expect(await takeNow(other.link.use(), SOURCE, 10)).toEqual([]);
});

test("a queue is paused even if one of its consumers is deleted by hand meanwhile", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const { jsm } = broker.link.use();
  const deleted = () => jsm.consumers.delete(SOURCE.stream, SOURCE.consumer);
  // The queue's others are paused at the same time.
  const is = (_: unknown, consumer: unknown) => consumer === SOURCE.consumer;
  atNextCall(jsm.consumers, "pause", { is, before: deleted, after: deleted });
  await broker.queueSettings.pause("default", ASKED);
  await put(broker, "a");
  expect(await takeNow(broker.link.use(), SOURCE, 10)).toEqual([]);
  expect((await readQueueFigures(broker.link, "default")).isAsSet).toBe(true);
});

test("a service that connects with other limits does not undo what an operator has set", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url, { queueMaxTasks: 100 });
  await broker.queueSettings.limit("default", { maxTasks: 3n });
  await using other = await openTestBroker(nats.url, { queueMaxTasks: 200 });
  const set = await readQueueFigures(other.link, "default");
  expect(set).toMatchObject({ maxTasks: 3, isAsSet: true });

  await other.queueSettings.limit("default", { maxTasks: 0n });
  expect((await readQueueFigures(other.link, "default")).maxTasks).toBe(200);
});

test("limits below what lies in the queue drop nothing, refuse what is new, and a restart changes neither", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  // Through its inputs, of about 40 KB each, the queue is above both limits.
  const input = create(AnySchema, { typeUrl: "x/y", value: new Uint8Array(40_000) });
  const spec = { ...specOf(), input };
  for (let n = 0; n < 40; n += 1) {
    await broker.queues.enqueue(create(WaitingTaskSchema, { taskId: `task-${n}`, spec }));
  }
  await broker.queueSettings.limit("default", { maxTasks: 5n, maxBytes: 2n ** 20n });
  await expect(put(broker, "new")).rejects.toThrow(QueueFull);
  const again = create(WaitingTaskSchema, { taskId: "task-7", spec });
  expect(await broker.queues.enqueue(again)).toBe(false);

  await nats.restart();
  await broker.link.whenUp(AbortSignal.timeout(30_000));
  await expect(put(broker, "new")).rejects.toThrow(QueueFull);
  const taken = await takeNow(broker.link.use(), queueSource("default", "p2", "y"), 100);
  expect(taken).toHaveLength(40);
  for (const delivery of taken) delivery.done();
  await until(() => put(broker, "new"));
});

test("limits that the broker has no room for are refused, and change nothing", async () => {
  await using nats = await startTestNats({
    extraConfig: { jetstream: { max_file_store: 4 * 2 ** 30 } },
  });
  await using broker = await openTestBroker(nats.url);
  const tooMuch = broker.queueSettings.limit("default", { maxBytes: 2n ** 45n });
  await expect(tooMuch).rejects.toThrow(InvalidField);
  await expect(tooMuch).rejects.toThrow(/max_bytes: is more than the broker can hold/);
  expect(await broker.queueSettings.read("default")).not.toHaveProperty("maxBytes");
  await using _other = await openTestBroker(nats.url);
});

test("there may be many queues, for none sets storage aside that it does not use", async () => {
  const historyMaxBytes = 2 ** 30;
  const extraConfig = { jetstream: { max_file_store: historyMaxBytes + 64 * 2 ** 20 } };
  await using nats = await startTestNats({ extraConfig });
  const queues = Array.from({ length: 40 }, (_, index) => `queue-${index}`);
  await using broker = await openTestBroker(nats.url, { queues, historyMaxBytes });
  expect(await put(broker, "task", "queue-39")).toBe(true);
  expect(await readQueueFigures(broker.link, "queue-39")).toMatchObject({
    waiting: 1,
    maxBytes: 0,
  });
});

test("what two operators set at the same time for one queue is kept, both of it", async () => {
  await using nats = await startTestNats();
  await using one = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  for (let round = 1n; round <= 20n; round += 1n) {
    await Promise.all([
      one.queueSettings.limit("default", { maxTasks: round }),
      other.queueSettings.limit("default", { maxBytes: 2n ** 20n + round }),
      round % 2n === 0n
        ? one.queueSettings.resume("default")
        : one.queueSettings.pause("default", ASKED),
    ]);
    const figures = await readQueueFigures(one.link, "default");
    expect(figures).toMatchObject({
      maxTasks: Number(round),
      maxBytes: 2 ** 20 + Number(round),
      isAsSet: true,
    });
    expect(figures.settings.pause?.reason).toBe(round % 2n === 0n ? undefined : "maintenance");
  }
});

test("services that start at the same time with different limits all start", async () => {
  await using nats = await startTestNats();
  const limits = [100, 200, 300, 400, 500, 600];
  for (let round = 1; round <= 10; round += 1) {
    const started = limits.map((limit) =>
      openTestBroker(nats.url, { queueMaxTasks: limit + round }),
    );
    for (const broker of await Promise.all(started)) await broker[Symbol.asyncDispose]();
  }
});

test("settings that somebody has spoilt by hand do not keep a service from starting", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await broker.queueSettings.pause("default", ASKED);
  const { js } = broker.link.use();
  await js.publish("$KV.mr_config.queue.default", Uint8Array.of(255, 255, 255));
  await using other = await openTestBroker(nats.url);
  await other.queueSettings.limit("default", { maxTasks: 7n });
  expect((await readQueueFigures(other.link, "default")).maxTasks).toBe(7);
});
