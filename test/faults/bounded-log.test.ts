import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { startTestCluster } from "#test/support/cluster.ts";
import { EndsBook } from "#test/support/ends-book.ts";
import { type FaultRow, longRow, sized } from "#test/support/fault-row.ts";
import { metricsOf } from "#test/support/metrics-text.ts";
import { type Gateway, System, scriptOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const RUN_MS = sized({ short: 0, long: 300_000, hour: 3_600_000 });
const CLUSTER_RUN_MS = 120_000;
const LIMIT_MS = 120_000;
const CALLERS = 64;
/** Callers that keep no more in flight find room in the queue. */
const IN_FLIGHT = 2_000;

const LEFT = "millrace_gateway_history_tasks_left_total";

interface Calls {
  readonly ends: EndsBook;
  /** When to stop. */
  readonly end: number;
  readonly random: () => number;
}

/** Submits one task after the other. */
async function call({ client }: Gateway, { ends, end, random }: Calls): Promise<void> {
  while (Date.now() < end) {
    if (ends.running > IN_FLIGHT) {
      await setTimeout(10);
      continue;
    }
    const taskId = randomUUID();
    ends.begin(taskId);
    const script = random() < 0.01 ? { permanent: "BAD" } : { outputBytes: 200 };
    try {
      await client.submitTask({ taskId, spec: { input: scriptOf(script) } });
    } catch (error) {
      ends.refused(taskId);
      ends.fault(String(error));
    }
  }
}

/** Fills the log again and again, with one task in it that has not ended. */
async function fill<Nats extends { readonly url: string } & AsyncDisposable>(
  system: System<Nats>,
  { random, figure }: FaultRow,
  runMs: number,
): Promise<void> {
  const { gateway } = await system.running({ MILLRACE_WORKER_CONCURRENCY: "64" });
  await system.monitor();
  await using ends = await EndsBook.open(system.nats.url);
  await gateway.client.submitTask({
    taskId: "planned",
    spec: { input: scriptOf({}), start: { case: "delay", value: durationFromMs(86_400_000) } },
  });

  const end = Date.now() + runMs;
  await Promise.all(Array.from({ length: CALLERS }, () => call(gateway, { ends, end, random })));
  await until(() => ends.running === 0, 60_000);

  expect(ends.faults).toEqual([]);
  const { task } = await gateway.client.getTask({ taskId: "planned" });
  expect(task?.state).toBe(TaskState.SCHEDULED);
  const { samples } = await metricsOf(gateway.url);
  const forRoom = samples.find(({ name, labels }) => name === LEFT && labels["reason"] === "room");
  const left = forRoom?.value ?? 0;
  expect(left).toBeGreaterThan(0);
  figure("tasks", ends.ended);
  figure("left before their time", left);
}

longRow(
  "at full rate into a log of 200 MB, nothing is refused, and every accepted task ends once",
  async (row) => {
    await using system = await System.start({ MILLRACE_HISTORY_MAX_BYTES: "200000000" });
    await fill(system, row, RUN_MS);
  },
  RUN_MS + LIMIT_MS,
);

longRow(
  "nor is anything refused by a cluster of three with a log of 20 MB",
  async (row) => {
    const limits = { MILLRACE_HISTORY_MAX_BYTES: "20000000", MILLRACE_REPLICAS: "3" };
    await using system = System.on(await startTestCluster(), limits);
    await fill(system, row, CLUSTER_RUN_MS);
  },
  CLUSTER_RUN_MS + LIMIT_MS,
);
