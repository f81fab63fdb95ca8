import { once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { takeNext, takeNow } from "#lib/broker/queues/pull.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { RunningAttempts } from "../../../services/worker/running-attempts.ts";
import { Slots } from "../../../services/worker/slots.ts";
import { Watchdog } from "../../../services/worker/watchdog.ts";

/** As many looks as the real one, at a faster pace. */
const PATIENCE = { lookEveryMs: 200, mendAfterMs: 600, giveUpAfterMs: 2_400 };
const LEVELS = ["p0", "p1", "p2", "p3"];

interface Given {
  readonly limits?: Readonly<Record<string, number>>;
  readonly mayTake?: () => boolean;
}

/** A watchdog that looks until the end of the scope. */
function watch(
  broker: Broker,
  queues: readonly string[],
  { limits = {}, mayTake = () => true }: Given = {},
) {
  const running = new RunningAttempts();
  const queueConcurrency = new Map(Object.entries(limits));
  const slots = new Slots({ running, concurrency: 4, queueConcurrency });
  const readiness = new Readiness([]);
  const log = pino({ level: "silent" });
  const { link } = broker;
  const types = new Set(["a.Served"]);
  const options = { link, queues, types, slots, mayTake, readiness, log };
  const watchdog = new Watchdog(options, PATIENCE);
  const over = new AbortController();
  const looking = watchdog.run(AbortSignal.any([over.signal, watchdog.gaveUp]));
  return {
    running,
    readiness,
    gaveUp: watchdog.gaveUp,
    async [Symbol.asyncDispose]() {
      over.abort();
      await looking;
    },
  };
}

let tasks = 0;

async function enqueue(broker: Broker, queue: string, type?: string): Promise<void> {
  tasks += 1;
  const input = type === undefined ? {} : { input: create(AnySchema, { typeUrl: `x/${type}` }) };
  const waiting = { taskId: `task-${tasks}`, spec: { ...specOf(queue), ...input } };
  await broker.queues.enqueue(create(WaitingTaskSchema, waiting));
}

/** As a queue nobody takes from stands still for sure, it tells when the other one had its time. */
async function reasonOf(gaveUp: AbortSignal): Promise<string> {
  if (!gaveUp.aborted) await once(gaveUp, "abort");
  return String(gaveUp.reason);
}

describe("the watchdog", () => {
  test("has a setting put right that keeps tasks from the worker, and says so until they come", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    const { jsm } = broker.link.use();
    // A worker that waits: for its pull, the broker looks at what the filter does not match, and passes over it.
    const waiting = new AbortController();
    const next = takeNext(broker.link.use(), [queueSource("default", "p2")], waiting.signal);
    const filter_subject = "mr.queue.default.p9.*";
    await jsm.consumers.update("MR_QUEUE_default", "p2", { filter_subject });
    await using watched = watch(broker, ["default"]);
    await enqueue(broker, "default");

    await until(() => !watched.readiness.ready);
    expect(watched.readiness.reasons).toEqual({
      deliveries: "the queue default has not moved for 0.6 s; tasks waiting in it: 1",
    });
    await until(async () => {
      const { config } = await jsm.consumers.info("MR_QUEUE_default", "p2");
      return config.filter_subject === "mr.queue.default.p2.*";
    });
    waiting.abort();
    const taken = await takeNow(broker.link.use(), queueSource("default", "p2"), 1);
    expect([...(await next), ...taken]).toHaveLength(1);
    await until(() => watched.readiness.ready);
    expect(watched.gaveUp.aborted).toBe(false);
  });

  test("gives up on a queue that stands still all the same", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    await using watched = watch(broker, ["default"]);
    await enqueue(broker, "default");
    expect(await reasonOf(watched.gaveUp)).toContain("the queue default has not moved for 2.4 s");
  });

  test("lets a queue be in which only tasks wait that it has no handler for", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues: ["others", "stuck"] });
    await enqueue(broker, "others", "a.Foreign");
    await using watched = watch(broker, ["others", "stuck"]);
    await enqueue(broker, "stuck", "a.Served");
    expect(await reasonOf(watched.gaveUp)).toContain("the queue stuck has");
  });

  test("lets a paused queue be", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues: ["paused", "stuck"] });
    const { jsm } = broker.link.use();
    for (const level of LEVELS) {
      await jsm.consumers.pause("MR_QUEUE_paused", level, new Date("2200-01-01"));
    }
    await enqueue(broker, "paused");
    await using watched = watch(broker, ["paused", "stuck"]);
    await enqueue(broker, "stuck");
    expect(await reasonOf(watched.gaveUp)).toContain("the queue stuck has");
  });

  test("lets a queue be that other workers take everything from", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues: ["busy", "stuck"] });
    for (let number = 0; number < 10; number += 1) await enqueue(broker, "busy");
    await using watched = watch(broker, ["busy", "stuck"]);
    await enqueue(broker, "stuck");
    // Always tasks that wait, never one for us.
    while (!watched.gaveUp.aborted) {
      await enqueue(broker, "busy");
      const [delivery] = await takeNow(broker.link.use(), queueSource("busy", "p2"), 1);
      delivery?.done();
    }
    expect(await reasonOf(watched.gaveUp)).toContain("the queue stuck has");
  });

  test("lets a queue be that it has no free slot for", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues: ["full", "stuck"] });
    await using watched = watch(broker, ["full", "stuck"], { limits: { full: 1 } });
    await enqueue(broker, "full");
    const [delivery] = await takeNext(
      broker.link.use(),
      [queueSource("full", "p2")],
      watched.gaveUp,
    );
    if (!delivery) return expect.unreachable();
    const { taskId, queue } = delivery;
    const lease = new Lease(delivery);
    watched.running.add({
      taskId,
      queue,
      lease,
      epoch: undefined,
      number: 1,
      fence: undefined,
      stop() {},
    });
    await enqueue(broker, "full");
    await enqueue(broker, "stuck");
    expect(await reasonOf(watched.gaveUp)).toContain("the queue stuck has");
  });

  test("waits as long as the worker takes nothing for a reason of its own", async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    await enqueue(broker, "default");
    let looks = 0;
    const mayTake = () => {
      looks += 1;
      return looks > 20;
    };
    await using watched = watch(broker, ["default"], { mayTake });
    await once(watched.gaveUp, "abort");
    expect(looks).toBeGreaterThan(20 + PATIENCE.giveUpAfterMs / PATIENCE.lookEveryMs);
  });
});
