import { anyPack, Int32ValueSchema, timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { checkLedger } from "#test/support/ledger.ts";
import {
  type Gateway,
  historyOf,
  System,
  scriptOf,
  stateOf,
  statesOf,
  typesKnown,
} from "#test/support/system.ts";

const PRIMES_WORKER = "test/support/primes-worker/main.ts";
const MILLRACE_WORKER = "services/worker/main.ts";

/** How long the task waited for a worker that was free, by the log's clock. */
function waitedMs(events: readonly TaskEvent[]): number {
  const began = events.find(({ facet }) => facet.case === "spec");
  const ran = events.find((event) => stateOf(event) === TaskState.RUNNING);
  return began?.time && ran?.time
    ? timestampMs(ran.time) - timestampMs(began.time)
    : expect.unreachable();
}

async function submitAll(gateway: Gateway, count: number): Promise<string[]> {
  const primes = anyPack(Int32ValueSchema, { $typeName: "google.protobuf.Int32Value", value: 100 });
  const tasks = Array.from({ length: count }, (_, n) => ({
    spec: { input: n % 2 === 0 ? scriptOf({}) : primes },
  }));
  const { results } = await gateway.client.submitTasks({ tasks });
  return results.map(({ outcome }) =>
    outcome.case === "accepted" ? (outcome.value.task?.id ?? "") : expect.unreachable(),
  );
}

describe("workers of several kinds on one queue", () => {
  test("get the tasks that they have handlers for, and none waits while such a worker is free", async () => {
    await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "8" });
    const gateway = await system.gateway();
    await Promise.all([
      system.worker(),
      system.worker({}, PRIMES_WORKER),
      system.worker({}, MILLRACE_WORKER),
      system.worker({}, MILLRACE_WORKER),
    ]);
    await typesKnown(gateway, 4);
    const ids: string[] = [];
    const waits: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const submitted = await submitAll(gateway, 4);
      const histories = await Promise.all(submitted.map((id) => historyOf(gateway, id)));
      for (const events of histories) {
        expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
        waits.push(waitedMs(events));
      }
      ids.push(...submitted);
    }
    // Far less than the 5 s that a task used to lie aside when a worker without its handler was given it.
    expect(Math.max(...waits)).toBeLessThan(2_000);
    await checkLedger(system.nats.url, ids);
  });

  test("are listed with what waits for each", async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    await using primes = await system.worker({}, PRIMES_WORKER);
    await typesKnown(gateway, 3);
    primes.service.kill("SIGTERM");
    await primes.service.exited;
    const ids = await submitAll(gateway, 10);
    await Promise.all(ids.filter((_, n) => n % 2 === 0).map((id) => historyOf(gateway, id)));
    const { queues } = await gateway.queues.listQueues({});
    expect(queues[0]).toMatchObject({ waiting: 5n, inFlight: 0n });
    expect(queues[0]?.types).toMatchObject([
      { name: "google.protobuf.Int32Value", waiting: 5n, inFlight: 0n },
    ]);
    expect(queues[0]?.types[0]?.oldestWaitingAge).toEqual(queues[0]?.oldestWaitingAge);

    await system.worker({}, PRIMES_WORKER);
    await Promise.all(ids.map((id) => historyOf(gateway, id)));
    await checkLedger(system.nats.url, ids);
  });
});
