import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect, onTestFinished } from "vitest";
import { HistoryLevel, type Overview } from "#gen/millrace/v1/monitor_service_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { metricsOf } from "#test/support/metrics-text.ts";
import { testOnSharedMonitor as test } from "./shared-monitor.ts";
import { TYPE, WatchedSystem } from "./watched-system.ts";

const { RUNNING, RETRYING, SUCCEEDED, FAILED, CANCELED } = TaskState;

/** Tasks in most states, one of them in its queue. */
async function writeHistory(system: WatchedSystem): Promise<void> {
  await system.enqueue("waits");
  await system.run("runs", [RUNNING]);
  await system.run("retries", [RUNNING, RETRYING]);
  await system.run("succeeded", [RUNNING, SUCCEEDED], { workerId: "worker-2" });
  await system.run("failed", [RUNNING, FAILED], { error: { code: "TOLD", message: "told to" } });
  await system.run("canceled", [CANCELED]);
  await system.refuse("refused");
}

/** What must be the same whenever the same log was read; the rest depends on the time. */
function lasting({ sequence, tasks, queueWait, runTime, ...overview }: Overview) {
  const { taskTypes, workers, recentTasks } = overview;
  return {
    sequence,
    tasks,
    queueWait,
    runTime,
    types: taskTypes.map((one) => one.tasks),
    workers,
    recentTasks,
  };
}

test("both doors tell what the log says", async () => {
  await using system = await WatchedSystem.start();
  await writeHistory(system);
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  for (const door of monitor.doors) {
    const { overview } = await door.getOverview({});
    expect(overview).toMatchObject({
      upToDate: true,
      sequence: 16n,
      tasks: { queued: 1n, running: 1n, retrying: 1n, succeeded: 1n, failed: 1n, canceled: 1n },
      rates: { acceptedPerSecond: 6 / 60, startedPerSecond: 4 / 60, retriedPerSecond: 1 / 60 },
      queueWait: { count: 4n },
      runTime: { count: 3n },
      queues: [{ name: "default", tasks: { queued: 1n }, depth: 1n, inFlight: 0n }],
      taskTypes: [{ name: TYPE, tasks: { succeeded: 1n, failed: 1n } }],
      workers: [
        { worker: { id: "worker-1" }, alive: false, succeeded: 0n, failed: 2n },
        { worker: { id: "worker-2" }, alive: false, succeeded: 1n, failed: 0n },
      ],
    });
    expect(overview?.queues[0]?.oldestWaitingAge).toBeDefined();
    expect(overview?.recentTasks.map(({ id }) => id)).toEqual([
      "canceled",
      "failed",
      "succeeded",
      "retries",
      "runs",
      "waits",
    ]);
    expect(overview?.recentTasks[1]).toMatchObject({
      state: FAILED,
      spec: { queue: "default", input: { typeUrl: `type.googleapis.com/${TYPE}` } },
      error: { code: "TOLD" },
    });
  }
});

test("recent tasks can be read as JSON, though their types are unknown to the monitor", async () => {
  await using system = await WatchedSystem.start();
  await system.accept("task");
  const monitor = await system.monitor();
  await monitor.shows(({ tasks }) => tasks?.queued === 1n);
  const response = await fetch(`${monitor.url}/millrace.v1.MonitorService/GetOverview`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(await response.json()).toMatchObject({
    overview: {
      tasks: { queued: "1" },
      recentTasks: [{ id: "task", spec: { input: { "@type": `type.googleapis.com/${TYPE}` } } }],
    },
  });
});

test.each([0, 1])("a watch shows a change without being asked again (door %i)", async (index) => {
  await using system = await WatchedSystem.start();
  const fence = await system.run("task", [RUNNING]);
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  const seen: (bigint | undefined)[] = [];
  const hungUp = new AbortController();
  onTestFinished(() => hungUp.abort());
  const watch = monitor.doors[index]?.watchOverview(
    { interval: { seconds: 0n, nanos: 200_000_000 } },
    { signal: hungUp.signal },
  );
  for await (const { overview } of watch ?? []) {
    seen.push(overview?.tasks?.running);
    if (seen.length === 1) await system.move(fence, SUCCEEDED);
    if (overview?.tasks?.succeeded === 1n) break;
  }
  expect(seen[0]).toBe(1n);
  expect(seen.at(-1)).toBe(0n);
});

test("a watch can't be asked for more often than every 200 ms", async ({ monitor }) => {
  for (const door of monitor.doors) {
    const watch = door.watchOverview({ interval: { seconds: 0n, nanos: 1 } });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow("interval");
  }
});

test("a monitor that was restarted knows what the one before it knew", async () => {
  await using system = await WatchedSystem.start();
  await writeHistory(system);
  const first = await system.monitor();
  const before = await first.shows(({ upToDate }) => upToDate);
  first.service.kill("SIGTERM");
  expect(await first.service.exited).toBe(0);
  const second = await system.monitor();
  const after = await second.shows(({ upToDate }) => upToDate);
  expect(lasting(after)).toEqual(lasting(before));
});

test("a worker is shown as it describes itself, from its first sign of life until it leaves", async ({
  system,
  monitor,
}) => {
  const left = new AbortController();
  const worker = create(WorkerSchema, { id: "worker-9", concurrency: 4, running: 3 });
  const living = system.broker.workers.keepAlive(() => worker, left.signal);
  const { workers } = await monitor.shows((overview) => overview.workers.length === 1);
  expect(workers).toMatchObject([
    { alive: true, worker: { id: "worker-9", concurrency: 4, running: 3 } },
  ]);
  left.abort();
  await living;
  await monitor.shows((overview) => overview.workers.length === 0);
});

test("a paused queue is shown with who paused it and why, until it is resumed", async ({
  system,
  monitor,
}) => {
  const { queueSettings } = system.broker;
  await queueSettings.pause("default", { reason: "new model", requestedBy: "ada" });
  const paused = await monitor.shows(({ queues }) => queues[0]?.pause !== undefined);
  expect(paused.queues[0]?.pause).toMatchObject({ reason: "new model", requestedBy: "ada" });
  const metrics = await (await fetch(`${monitor.url}/metrics`)).text();
  expect(metrics).toContain('millrace_queue_paused{queue="default"} 1');
  await queueSettings.resume("default");
  await monitor.shows(({ queues }) => queues[0]?.pause === undefined);
});

test("how full the history is, is told before tasks leave it and when they do, and how old it is", async () => {
  await using system = await WatchedSystem.start();
  const monitor = await system.monitor();
  const levelIs = (level: HistoryLevel) =>
    monitor.shows((seen) => seen.history?.level === level && seen.history.bytes > 0n);
  await system.accept("task");
  const { history } = await levelIs(HistoryLevel.ROOMY);
  const { bytes, oldestMs } = await system.broker.space.usage();
  expect(history?.bytes).toBe(BigInt(bytes));
  // As the monitor is configured, which came last.
  expect(history?.maxBytes).toBe(2n ** 31n);
  expect(history?.oldestEventTime && timestampMs(history.oldestEventTime)).toBe(oldestMs);
  await system.fill(0.77);
  const filling = await levelIs(HistoryLevel.FILLING);
  expect(filling.history?.share).toBeCloseTo(0.77, 1);
  const { samples } = await metricsOf(monitor.url);
  const told = (name: string) => samples.find((sample) => sample.name === name)?.value;
  expect(told("millrace_history_bytes")).toBe(bytes);
  expect(told("millrace_history_max_bytes")).toBe(Number(filling.history?.maxBytes));
  expect(told("millrace_history_oldest_age_seconds")).toBeGreaterThan(0);
  await system.fill(0.85);
  await levelIs(HistoryLevel.NEARLY_FULL);
});

test("a monitor says of which environment its figures are", async ({ system, monitor }) => {
  expect((await monitor.overview()).namespace).toBe("");
  await system.accept("elsewhere");
  const staging = await system.monitor({ MILLRACE_NAMESPACE: "staging" });
  const { namespace, history } = await staging.shows(({ upToDate }) => upToDate);
  expect({ namespace, bytes: history?.bytes }).toEqual({ namespace: "staging", bytes: 0n });
  const { samples } = await metricsOf(staging.url);
  const info = samples.find(({ name }) => name === "millrace_monitor_info");
  expect(info?.labels).toEqual({ namespace: "staging" });
});
