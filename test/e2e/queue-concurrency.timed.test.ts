import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type Gateway, historyOf, System, scriptOf } from "#test/support/system.ts";

/** When the task ran, by the log's clock. */
function spanOf(events: readonly TaskEvent[]): { fromMs: number; toMs: number } {
  const timeOf = (state: TaskState) => {
    const event = events.find(({ facet }) => facet.case === "state" && facet.value.state === state);
    return event?.time ? timestampMs(event.time) : Number.NaN;
  };
  return { fromMs: timeOf(TaskState.RUNNING), toMs: timeOf(TaskState.SUCCEEDED) };
}

async function spansOf(gateway: Gateway, queue: string, count: number) {
  const input = scriptOf({ steps: 1, idleMs: 300 });
  const tasks = Array.from({ length: count }, () => ({ spec: { queue, input } }));
  const { results } = await gateway.client.submitTasks({ tasks });
  const ids = results.map(({ outcome }) =>
    outcome.case === "accepted" ? (outcome.value.task?.id ?? "") : expect.unreachable(),
  );
  return Promise.all(ids.map(async (id) => spanOf(await historyOf(gateway, id))));
}

/** How many ran at the same time, at most. */
function mostAtOnce(spans: readonly { fromMs: number; toMs: number }[]): number {
  const running = (atMs: number) =>
    spans.filter(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs).length;
  return Math.max(...spans.map(({ fromMs }) => running(fromMs)));
}

describe("the concurrency of a queue", () => {
  test("holds on each worker, and leaves the other slots to the other queues", async () => {
    await using system = await System.start({
      MILLRACE_QUEUES: "default,reports",
      MILLRACE_WORKER_CONCURRENCY: "6",
      MILLRACE_QUEUE_CONCURRENCY: "reports=2",
    });
    const { gateway } = await system.running();
    const [reports, others] = await Promise.all([
      spansOf(gateway, "reports", 10),
      spansOf(gateway, "default", 20),
    ]);
    expect(mostAtOnce(reports)).toBe(2);
    expect(mostAtOnce(others)).toBeGreaterThanOrEqual(4);
    expect(mostAtOnce([...reports, ...others])).toBeLessThanOrEqual(6);
  });

  test("is used to the full, also when no other queue has work", async () => {
    await using system = await System.start({
      MILLRACE_QUEUES: "default,reports",
      MILLRACE_QUEUE_CONCURRENCY: "reports=1",
    });
    const { gateway } = await system.running();
    const spans = await spansOf(gateway, "reports", 6);
    expect(mostAtOnce(spans)).toBe(1);
    const ordered = spans.toSorted((a, b) => a.fromMs - b.fromMs);
    const gaps = ordered.slice(1).map(({ fromMs }, index) => fromMs - (ordered[index]?.toMs ?? 0));
    // A slot that is free is used at once, not when the worker next asks by itself, after 4 s.
    expect(Math.max(...gaps)).toBeLessThan(2_000);
  });

  test("can't be set for a queue that the worker does not serve", async () => {
    await using system = await System.start();
    const worker = system.spawn("services/worker/main.ts", {
      MILLRACE_QUEUE_CONCURRENCY: "reports=2",
    });
    expect(await worker.exited).toBe(2);
    expect(worker.stderr).toContain('does not serve a queue "reports"');
    expect(worker.stderr).not.toContain("    at ");
  });
});
