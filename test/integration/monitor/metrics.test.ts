import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { type Metrics, parseMetrics } from "#test/support/metrics-text.ts";
import { type RunningMonitor, TYPE, WatchedSystem } from "./watched-system.ts";

const { QUEUED, RUNNING, RETRYING, SUCCEEDED, FAILED, EXPIRED } = TaskState;
const OF_TYPE = { queue: "default", type: TYPE };

async function scrape({ url }: RunningMonitor): Promise<Metrics> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(await response.text());
}

function sampleOf({ samples }: Metrics, name: string, labels: Record<string, string> = {}) {
  const wanted = Object.entries(labels);
  return samples.find(
    (sample) =>
      sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
  )?.value;
}

test("Prometheus is told what the log, the queues and the workers say", async () => {
  await using system = await WatchedSystem.start();
  await system.enqueue("waits");
  await system.run("retries", [RUNNING, RETRYING]);
  await system.run("succeeded", [RUNNING, SUCCEEDED]);
  await system.run("failed", [RUNNING, FAILED]);
  await system.refuse("refused");
  const left = new AbortController();
  const worker = create(WorkerSchema, { id: "worker-9", concurrency: 4, running: 3 });
  const living = system.broker.workers.keepAlive(() => worker, left.signal);
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate, workers }) => upToDate && workers.some(({ alive }) => alive));

  const metrics = await scrape(monitor);
  const value = (name: string, labels?: Record<string, string>) => sampleOf(metrics, name, labels);
  for (const state of ["QUEUED", "RETRYING", "SUCCEEDED", "FAILED"]) {
    expect(value("millrace_tasks", { ...OF_TYPE, state }), state).toBe(1);
  }
  expect(value("millrace_tasks", { ...OF_TYPE, state: "RUNNING" })).toBe(0);
  expect(value("millrace_queue_depth", { queue: "default" })).toBe(1);
  expect(value("millrace_queue_in_flight", { queue: "default" })).toBe(0);
  expect(value("millrace_queue_oldest_waiting_seconds", { queue: "default" })).toBeGreaterThan(0);
  expect(value("millrace_tasks_succeeded_total", OF_TYPE)).toBe(1);
  expect(value("millrace_tasks_failed_total", OF_TYPE)).toBe(1);
  expect(value("millrace_tasks_retried_total", OF_TYPE)).toBe(1);
  expect(value("millrace_queue_wait_seconds_count", OF_TYPE)).toBe(3);
  expect(value("millrace_run_seconds_count", OF_TYPE)).toBe(3);
  expect(value("millrace_worker_slots", { worker: "worker-9" })).toBe(4);
  expect(value("millrace_worker_running", { worker: "worker-9" })).toBe(3);
  expect(value("millrace_worker_up", { worker: "worker-9" })).toBe(1);
  expect(value("millrace_monitor_sequence")).toBe(12);
  expect(value("millrace_monitor_up_to_date")).toBe(1);
  expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  left.abort();
  await living;
});

test("the total of accepted tasks grows with every task", async () => {
  await using system = await WatchedSystem.start();
  await system.accept("first");
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  expect(sampleOf(await scrape(monitor), "millrace_tasks_accepted_total", OF_TYPE)).toBe(1);
  await system.accept("second");
  await monitor.shows(({ tasks }) => tasks?.queued === 2n);
  expect(sampleOf(await scrape(monitor), "millrace_tasks_accepted_total", OF_TYPE)).toBe(2);
});

test("what expired and what was started again is told", async () => {
  await using system = await WatchedSystem.start();
  await system.run("expired", [EXPIRED], { attempt: 0 });
  const fence = await system.run("again", [EXPIRED], { attempt: 0 });
  await system.move(fence, QUEUED, { attempt: 0, restarts: 1, restartTime: timestampNow() });
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  const metrics = await scrape(monitor);
  expect(sampleOf(metrics, "millrace_tasks", { ...OF_TYPE, state: "EXPIRED" })).toBe(1);
  expect(sampleOf(metrics, "millrace_tasks", { ...OF_TYPE, state: "QUEUED" })).toBe(1);
  expect(sampleOf(metrics, "millrace_tasks_expired_total", OF_TYPE)).toBe(2);
  expect(sampleOf(metrics, "millrace_tasks_restarted_total", OF_TYPE)).toBe(1);
});

test("a histogram's buckets are cumulative, and the last one has all", async () => {
  await using system = await WatchedSystem.start();
  for (const id of ["a", "b", "c"]) await system.run(id, [RUNNING, SUCCEEDED]);
  const monitor = await system.monitor();
  await monitor.shows(({ upToDate }) => upToDate);
  const { types, samples } = await scrape(monitor);
  for (const name of ["millrace_queue_wait_seconds", "millrace_run_seconds"]) {
    expect(types.get(name)).toBe("histogram");
    const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
    const counts = buckets.map(({ value }) => value);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(buckets.at(-1)).toMatchObject({ labels: { le: "+Inf" }, value: 3 });
    expect(samples.some((sample) => sample.name === `${name}_sum`)).toBe(true);
  }
});

test("every metric says what it is", async () => {
  await using system = await WatchedSystem.start();
  const { types } = await scrape(await system.monitor());
  const ours = [...types].filter(([name]) => name.startsWith("millrace_"));
  expect(Object.fromEntries(ours)).toEqual({
    millrace_history_bytes: "gauge",
    millrace_history_max_bytes: "gauge",
    millrace_history_oldest_age_seconds: "gauge",
    millrace_monitor_info: "gauge",
    millrace_tasks: "gauge",
    millrace_tasks_accepted_total: "counter",
    millrace_tasks_succeeded_total: "counter",
    millrace_tasks_failed_total: "counter",
    millrace_tasks_expired_total: "counter",
    millrace_tasks_retried_total: "counter",
    millrace_tasks_restarted_total: "counter",
    millrace_queue_wait_seconds: "histogram",
    millrace_run_seconds: "histogram",
    millrace_queue_depth: "gauge",
    millrace_queue_in_flight: "gauge",
    millrace_queue_paused: "gauge",
    millrace_queue_unserved_tasks: "gauge",
    millrace_queue_oldest_waiting_seconds: "gauge",
    millrace_worker_slots: "gauge",
    millrace_worker_running: "gauge",
    millrace_worker_up: "gauge",
    millrace_monitor_sequence: "gauge",
    millrace_monitor_up_to_date: "gauge",
  });
});
