import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { Lease } from "../../../services/worker/lease.ts";
import { RunningAttempts } from "../../../services/worker/running-attempts.ts";
import { Slots } from "../../../services/worker/slots.ts";
import { WorkSource } from "../../../services/worker/work-source.ts";

const NEVER = new AbortController().signal;

interface Given {
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly limits?: Readonly<Record<string, number>>;
}

function sourceOf(broker: Broker, { queues, concurrency, limits = {} }: Given) {
  const running = new RunningAttempts();
  const queueConcurrency = new Map(Object.entries(limits));
  const slots = new Slots({ queues, running, concurrency, queueConcurrency });
  const source = new WorkSource({ link: broker.link, queues, slots, running });
  return { running, slots, source };
}

async function fill(
  broker: Broker,
  queue: string,
  count: number,
  priority: Priority = Priority.NORMAL,
) {
  for (let number = 0; number < count; number += 1) {
    const spec = { ...specOf(queue), priority };
    const taskId = `${queue}-${priority}-${number}`;
    await broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec }));
  }
}

type Taken = Awaited<ReturnType<WorkSource["takeNow"]>>;

/** Attempts of the tasks; each ends when it is disposed of. */
function begin(running: RunningAttempts, taken: Taken): Disposable[] {
  return taken.map((delivery) =>
    running.add({
      taskId: delivery.taskId,
      queue: delivery.queue,
      lease: new Lease(delivery),
      number: 1,
      fence: undefined,
      stop() {},
    }),
  );
}

const queuesOf = (taken: Taken) => taken.map(({ queue }) => queue).sort();

describe("what a worker takes", () => {
  test("is no more than a queue's limit, nor than its slots in all", async () => {
    const queues = ["a", "b", "c"];
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues });
    for (const queue of queues) await fill(broker, queue, 10);
    const { running, slots, source } = sourceOf(broker, {
      queues,
      concurrency: 8,
      limits: { a: 2, b: 3 },
    });

    const attempts = [];
    while (slots.someFree) attempts.push(...begin(running, await source.takeNow()));
    expect(queues.map((queue) => running.countOf(queue))).toEqual([2, 3, 3]);

    // A place that is free again in one of them goes to another queue only where there is no limit.
    attempts[0]?.[Symbol.dispose]();
    const next = await source.takeNow();
    expect(next).toHaveLength(1);
    expect(["a", "c"]).toContain(next[0]?.queue);
  });

  test("is nothing of a queue at its limit, however much waits there", async () => {
    const queues = ["a", "b"];
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues });
    await fill(broker, "a", 5);
    const { running, source } = sourceOf(broker, { queues, concurrency: 4, limits: { a: 1 } });
    begin(running, await source.takeNow());
    expect(running.countOf("a")).toBe(1);
    expect(await source.takeNow()).toEqual([]);
    await fill(broker, "b", 5);
    expect(queuesOf(await source.takeNow())).toEqual(["b", "b", "b"]);
  });

  test("comes at once from a queue that was at its limit, when one of its attempts ends", async () => {
    const queues = ["a", "b"];
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues });
    await fill(broker, "a", 2);
    const { running, source } = sourceOf(broker, { queues, concurrency: 4, limits: { a: 1 } });
    const [attempt] = begin(running, await source.takeNow());

    const startMs = performance.now();
    const waits = source.takeNext(NEVER);
    attempt?.[Symbol.dispose]();
    expect(await waits).toEqual([]);
    expect(queuesOf(await source.takeNow())).toEqual(["a"]);
    // It would have waited for the other queue for 4 s.
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  test("comes from every queue in turn, and from every level of each, though more urgent tasks never end", async () => {
    const queues = ["a", "b", "c"];
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url, { queues });
    for (const queue of queues) {
      await fill(broker, queue, 20, Priority.URGENT);
      await fill(broker, queue, 1, Priority.LOW);
    }
    const { source } = sourceOf(broker, { queues, concurrency: 1 });
    const taken: Taken = [];
    while (taken.length < 15 * queues.length) {
      const turn = await source.takeNow();
      expect(turn).toHaveLength(1);
      taken.push(...turn);
    }
    for (const queue of queues) {
      const own = taken.filter((delivery) => delivery.queue === queue);
      expect(own).toHaveLength(15);
      expect(own.filter(({ waiting }) => waiting?.spec?.priority === Priority.LOW)).toHaveLength(1);
    }
  });
});
