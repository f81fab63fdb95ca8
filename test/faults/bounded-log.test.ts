import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { EndsBook } from "#test/support/ends-book.ts";
import { longRow, sized } from "#test/support/fault-row.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { type Gateway, System, scriptOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const RUN_MS = sized({ short: 0, long: 300_000, hour: 3_600_000 });
const LOG_BYTES = 200_000_000;
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
    await client
      .submitTask({ taskId, spec: { input: scriptOf(script) } })
      .catch((error: unknown) => ends.forget(taskId, String(error)));
  }
}

longRow(
  "at full rate into a log of 200 MB, nothing is refused, and every accepted task ends once",
  async ({ random, figure }) => {
    await using system = await System.start({ MILLRACE_HISTORY_MAX_BYTES: String(LOG_BYTES) });
    const { gateway } = await system.running({ MILLRACE_WORKER_CONCURRENCY: "64" });
    await system.monitor();
    await using ends = await EndsBook.open(system.nats.url);
    await gateway.client.submitTask({
      taskId: "planned",
      spec: { input: scriptOf({}), start: { case: "delay", value: durationFromMs(86_400_000) } },
    });

    const end = Date.now() + RUN_MS;
    await Promise.all(Array.from({ length: CALLERS }, () => call(gateway, { ends, end, random })));
    await until(() => ends.running === 0, 60_000);

    expect(ends.faults).toEqual([]);
    const { task } = await gateway.client.getTask({ taskId: "planned" });
    expect(task?.state).toBe(TaskState.SCHEDULED);
    figure("tasks", ends.ended);
    figure("left", sampleOf(await metricsOf(gateway.url), LEFT) ?? 0);
  },
  RUN_MS + 120_000,
);
