import { setTimeout } from "node:timers/promises";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type StateChange, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { checkLedger } from "#test/support/ledger.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { type Gateway, historyOf, System, scriptOf } from "#test/support/system.ts";

/** Asks again and again while the queue is full. */
async function submit({ client }: Gateway, taskId: string, script: Script, spec: object = {}) {
  for (;;) {
    try {
      return await client.submitTask({ taskId, spec: { input: scriptOf(script), ...spec } });
    } catch (error) {
      if (ConnectError.from(error).code !== Code.ResourceExhausted) throw error;
      await setTimeout(5);
    }
  }
}

/** How long after it was due its second attempt began. */
function lateMs(events: readonly TaskEvent[]): number {
  const when = (is: (change: StateChange) => boolean) =>
    events.find(({ facet }) => facet.case === "state" && is(facet.value));
  const retrying = when(({ state }) => state === TaskState.RETRYING)?.facet.value as StateChange;
  const second = when(({ state, attempt }) => state === TaskState.RUNNING && attempt === 2);
  return second?.time && retrying.nextAttemptTime
    ? timestampMs(second.time) - timestampMs(retrying.nextAttemptTime)
    : expect.unreachable();
}

test("a retry that comes due goes before new submits, however many callers keep its queue full", async () => {
  await using system = await System.start({
    MILLRACE_QUEUE_MAX_TASKS: "5",
    MILLRACE_WORKER_CONCURRENCY: "1",
  });
  const { gateway } = await system.running();
  const ids: string[] = [];
  let isOver = false;
  const callers = Array.from({ length: 4 }, async (_, caller) => {
    for (let n = 0; !isOver; n += 1) {
      const taskId = `caller-${caller}-${n}`;
      await submit(gateway, taskId, { steps: 1, idleMs: 100 });
      ids.push(taskId);
    }
  });
  const retried = Array.from({ length: 5 }, (_, n) => `retried-${n}`);
  const retryPolicy = { maxAttempts: 2, initialBackoff: durationFromMs(500), jitter: 0 };
  for (const id of retried) await submit(gateway, id, { failures: 1 }, { retryPolicy });
  const histories = await Promise.all(retried.map((id) => historyOf(gateway, id)));
  isOver = true;
  await Promise.all(callers);
  // Five tasks of 100 ms are before each, and each asks for a place every second. With callers let in, it takes a minute.
  expect(Math.max(...histories.map(lateMs))).toBeLessThan(8_000);
  await Promise.all(ids.map((id) => historyOf(gateway, id)));
  await checkLedger(system.nats.url, [...retried, ...ids]);
}, 120_000);
