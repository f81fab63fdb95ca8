import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { ElbowRoom } from "../../../services/worker/elbow-room.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { RunningAttempts } from "../../../services/worker/running-attempts.ts";
import { Slots } from "../../../services/worker/slots.ts";
import { WorkSource } from "../../../services/worker/work-source.ts";

interface Given {
  readonly queues?: readonly string[];
  readonly types?: readonly string[];
  readonly concurrency: number;
  readonly limits?: Readonly<Record<string, number>>;
}

/** A worker that takes tasks until the end of the scope, and holds on to each until it is told to end it. */
async function startTaking(nats: TestNats, given: Given) {
  const { queues = ["default"], types = [], concurrency, limits = {} } = given;
  const broker = await openTestBroker(nats.url, { queues });
  const running = new RunningAttempts();
  const queueConcurrency = new Map(Object.entries(limits));
  const slots = new Slots({ running, concurrency, queueConcurrency });
  const readiness = new Readiness(["queue"]);
  const source = new WorkSource({
    broker,
    queues,
    types: new Set(types),
    slots,
    running,
    room: new ElbowRoom(),
    readiness,
    log: pino({ level: "silent" }),
  });
  const taken: Delivery[] = [];
  const held: Disposable[] = [];
  const over = new AbortController();
  const start = (delivery: Delivery) => {
    taken.push(delivery);
    const { taskId, queue } = delivery;
    const lease = new Lease(delivery);
    held.push(
      running.add({
        taskId,
        queue,
        lease,
        epoch: undefined,
        number: 1,
        fence: undefined,
        stop() {},
      }),
    );
  };
  const taking = source.run(broker.link.use(), start, over.signal);
  await until(() => readiness.ready);
  return {
    broker,
    running,
    readiness,
    taken,
    get ids() {
      return taken.map(({ taskId }) => taskId);
    },
    /** Ends what it has held for longest. */
    endOne() {
      const delivery = taken[held.length === 0 ? 0 : taken.length - held.length];
      delivery?.done();
      held.shift()?.[Symbol.dispose]();
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await taking;
      await broker[Symbol.asyncDispose]();
    },
  };
}

interface Filling {
  readonly priority?: Priority;
  readonly type?: string;
}

async function fill(
  broker: Broker,
  queue: string,
  count: number,
  { priority = Priority.NORMAL, type }: Filling = {},
) {
  const input = type === undefined ? {} : { input: create(AnySchema, { typeUrl: `x/${type}` }) };
  for (let number = 0; number < count; number += 1) {
    const spec = { ...specOf(queue), ...input, priority };
    const taskId = [queue, priority, type ?? "", number].join("-").replaceAll(".", "_");
    await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec }));
  }
}

/** Resolves when nothing more comes, as far as the broker is concerned: each worker waits at every lane of the queue. */
async function untilNoneIsOnItsWay(broker: Broker, taken: readonly unknown[]): Promise<void> {
  let before = -1;
  await until(async () => {
    const settled = before === taken.length;
    before = taken.length;
    // A round trip behind all that was on its way.
    await broker.link.use().nc.flush();
    return settled;
  });
}

describe("what a worker takes", () => {
  test("is no more than a queue's limit, nor than its slots in all", async () => {
    const queues = ["a", "b", "c"];
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url, { queues });
    for (const queue of queues) await fill(filler, queue, 10);
    const limits = { a: 2, b: 3 };
    await using worker = await startTaking(nats, { queues, concurrency: 8, limits });
    const counts = () => queues.map((queue) => worker.running.countOf(queue));
    await until(() => worker.running.count === 8);
    await untilNoneIsOnItsWay(filler, worker.taken);
    expect(counts()[0]).toBeLessThanOrEqual(2);
    expect(counts()[1]).toBeLessThanOrEqual(3);
    expect(worker.running.count).toBe(8);

    for (let ended = 1; ended <= 10; ended += 1) {
      worker.endOne();
      await until(() => worker.running.count === 8);
      expect(counts()[0]).toBeLessThanOrEqual(2);
      expect(counts()[1]).toBeLessThanOrEqual(3);
    }
  });

  test("is nothing of a queue at its limit, however much waits there", async () => {
    const queues = ["a", "b"];
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url, { queues });
    await fill(filler, "a", 5);
    await using worker = await startTaking(nats, { queues, concurrency: 4, limits: { a: 1 } });
    await until(() => worker.running.countOf("a") === 1);
    await fill(filler, "b", 5);
    await until(() => worker.running.count === 4);
    expect(worker.running.countOf("b")).toBe(3);
  });

  test("comes at once from a queue that was at its limit, when one of its attempts ends", async () => {
    const queues = ["a", "b"];
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url, { queues });
    await fill(filler, "a", 2);
    await using worker = await startTaking(nats, { queues, concurrency: 4, limits: { a: 1 } });
    await until(() => worker.taken.length === 1);
    const startMs = performance.now();
    worker.endOne();
    await until(() => worker.taken.length === 2);
    // It would have waited for the other queue for 4 s.
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  test("comes from every queue in turn, and from every level of each, though more urgent tasks never end", async () => {
    const queues = ["a", "b", "c"];
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url, { queues });
    for (const queue of queues) {
      await fill(filler, queue, 20, { priority: Priority.URGENT });
      await fill(filler, queue, 1, { priority: Priority.LOW });
    }
    await using worker = await startTaking(nats, { queues, concurrency: 1 });
    for (let taken = 1; taken < 15 * queues.length; taken += 1) {
      await until(() => worker.taken.length === taken);
      worker.endOne();
    }
    for (const queue of queues) {
      const own = worker.taken.filter((delivery) => delivery.queue === queue);
      expect(own.length).toBeGreaterThanOrEqual(14);
      expect(own.filter(({ waiting }) => waiting?.spec?.priority === Priority.LOW)).toHaveLength(1);
    }
  });

  test("is only what it has handlers for; the rest is for workers that have them", async () => {
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url);
    await using shop = await startTaking(nats, { types: ["shop.v1.Send"], concurrency: 100 });
    for (const type of ["shop.v1.Send", "shop.v1.SendAll", "web.v1.Crawl"]) {
      await fill(filler, "default", 5, { type });
    }
    await until(() => shop.taken.length === 5);
    const types = ["web.v1.Crawl", "shop.v1.SendAll"];
    await using web = await startTaking(nats, { types, concurrency: 100 });
    await until(() => web.taken.length === 10);
    expect(new Set([...shop.ids, ...web.ids]).size).toBe(15);
    expect(shop.taken).toHaveLength(5);
  });

  test("comes as soon as it is there, though it is the first of its type ever", async () => {
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url);
    const types = ["a.A", "b.B"];
    await using worker = await startTaking(nats, { types, concurrency: 10 });
    for (const [index, type] of types.entries()) {
      const startMs = performance.now();
      await fill(filler, "default", 1, { type });
      await until(() => worker.taken.length === index + 1);
      // Lanes are listed every 5 s.
      expect(performance.now() - startMs).toBeLessThan(2_000);
    }
  });

  test("comes from all types in turn, though one of them never ends", async () => {
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url);
    await fill(filler, "default", 50, { type: "a.Many" });
    await fill(filler, "default", 2, { type: "b.Few" });
    await using worker = await startTaking(nats, { types: ["a.Many", "b.Few"], concurrency: 1 });
    for (let taken = 1; taken < 8; taken += 1) {
      await until(() => worker.taken.length === taken);
      worker.endOne();
    }
    expect(worker.ids.filter((id) => id.includes("b_Few"))).toHaveLength(2);
  });

  test("is given back at once when another type has filled its slots, for a worker that has one", async () => {
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url);
    const types = ["a.A", "b.B", "c.C"];
    for (const type of types) await fill(filler, "default", 1, { type });
    await using full = await startTaking(nats, { types, concurrency: 3 });
    await until(() => full.taken.length === 3);
    full.endOne();
    await fill(filler, "default", 2, { type: "a.A", priority: Priority.HIGH });
    await until(() => full.taken.length === 4);
    await using free = await startTaking(nats, { types, concurrency: 3 });
    await until(() => free.taken.length === 1);
    await fill(filler, "default", 2, { type: "b.B", priority: Priority.HIGH });
    await until(() => free.taken.length === 3);
    expect(full.taken).toHaveLength(4);
  });

  test("comes again after its lane was deleted by hand", async () => {
    await using nats = await startTestNats();
    await using filler = await openTestBroker(nats.url);
    await fill(filler, "default", 1, { type: "a.A" });
    await using worker = await startTaking(nats, { types: ["a.A"], concurrency: 5 });
    await until(() => worker.taken.length === 1);
    await filler.link.use().jsm.consumers.delete("MR_QUEUE_default", "p2+a-A");
    await until(() => !worker.readiness.ready);
    worker.endOne();
    await fill(filler, "default", 2, { type: "a.A" });
    await until(() => worker.taken.length >= 3);
    await until(() => worker.readiness.ready);
  });
});

test("a lane that can't be put back does not keep the others of its worker from that", async () => {
  await using nats = await startTestNats();
  await using filler = await openTestBroker(nats.url);
  for (const type of ["a.A", "b.B"]) await fill(filler, "default", 1, { type });
  await using worker = await startTaking(nats, { types: ["a.A", "b.B"], concurrency: 5 });
  await until(() => worker.taken.length === 2);
  for (const _ of worker.ids) worker.endOne();
  const { consumers } = filler.link.use().jsm;
  const queue = filler.link.names.queueStream("default");
  const { config } = await consumers.info(queue, "p2+a-A");
  await consumers.delete(queue, "p2+a-A");
  // What a stranger may read, nobody else may.
  const { ack_policy, filter_subject = "" } = config;
  await consumers.add(queue, { durable_name: "stranger", ack_policy, filter_subject });
  await until(() => !worker.readiness.ready);
  await consumers.delete(queue, "p2+b-B");
  await fill(filler, "default", 3, { type: "b.B" });
  await until(() => worker.taken.length > 2);
});
