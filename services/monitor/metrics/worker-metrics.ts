import type { Registry } from "prom-client";
import type { Worker } from "#gen/millrace/v1/worker_pb.ts";
import type { LiveWorkers } from "#lib/broker/processes/live-workers.ts";
import { toldGauge } from "#lib/process/told-metrics.ts";

const LABEL_NAMES = ["worker"];

/** What workers say of themselves. */
export function addWorkerMetrics(registry: Registry, workers: LiveWorkers): void {
  const rowsOf = (some: readonly Worker[], pick: (worker: Worker) => number) =>
    some.map((worker) => ({ labels: { worker: worker.id }, value: pick(worker) }));
  const alive = () => workers.alive();
  const missed = () => workers.missed();
  toldGauge({
    registry,
    name: "millrace_worker_slots",
    help: "Attempts that the worker runs at once, at most.",
    labelNames: LABEL_NAMES,
    rows: () => rowsOf(alive(), ({ concurrency }) => concurrency),
  });
  toldGauge({
    registry,
    name: "millrace_worker_running",
    help: "Attempts that the worker runs now.",
    labelNames: LABEL_NAMES,
    rows: () => rowsOf(alive(), ({ running }) => running),
  });
  toldGauge({
    registry,
    name: "millrace_worker_up",
    help: "1: alive. 0: fell silent without leaving, told for ten minutes.",
    labelNames: LABEL_NAMES,
    rows: () => [...rowsOf(alive(), () => 1), ...rowsOf(missed(), () => 0)],
  });
}
