import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { QUEUE, queueOf, submitMany } from "#test/support/queues.ts";
import { System } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** When its attempts were started, in milliseconds since 1970. */
function startsMs(events: readonly TaskEvent[]): number[] {
  return events.flatMap(({ facet, time }) => {
    const starts = facet.case === "state" && facet.value.state === TaskState.RUNNING;
    return starts && time ? [timestampMs(time)] : [];
  });
}

test("a busy worker takes no task any more within a second of the pause", async () => {
  await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "20" });
  const { gateway } = await system.running();
  const accepted = submitMany(gateway, 1_500, { steps: 1, idleMs: 5 });
  await until(async () => {
    const { task } = await gateway.client.getTask({ taskId: "default-20" });
    return task?.state === TaskState.SUCCEEDED;
  });
  await gateway.queues.pauseQueue({ queue: QUEUE });
  const pausedMs = Date.now();
  const ids = await accepted;
  await until(async () => (await queueOf(gateway))?.inFlight === 0n);
  expect(Number((await queueOf(gateway))?.waiting)).toBeGreaterThan(0);

  const log = await readLog(system.nats.url);
  const lateMs = Math.max(...[...log.values()].flatMap(startsMs)) - pausedMs;
  expect(lateMs).toBeLessThan(1_000);
  await gateway.queues.resumeQueue({ queue: QUEUE });
  await until(async () => (await queueOf(gateway))?.bytes === 0n);
  await checkLedger(system.nats.url, ids);
});
