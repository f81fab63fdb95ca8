import type { Registry } from "prom-client";
import { metricsRegistry } from "#lib/process/metrics-endpoint.ts";
import { toldGauge } from "#lib/process/told-metrics.ts";
import type { Monitor } from "../monitor.ts";
import { addHistoryMetrics } from "./history-metrics.ts";
import { addQueueMetrics } from "./queue-metrics.ts";
import { addTaskMetrics } from "./task-metrics.ts";
import { addWorkerMetrics } from "./worker-metrics.ts";

/** What the monitor knows, as metrics. */
export function monitorMetrics(monitor: Monitor): Registry {
  const registry = metricsRegistry();
  // Totals that grow as the history is read would look like a burst.
  addTaskMetrics(registry, () => (monitor.isWhole ? monitor.figures().series : []));
  addQueueMetrics(registry, monitor);
  addHistoryMetrics(registry, monitor.history);
  addWorkerMetrics(registry, monitor.workers);
  const one = (name: string, help: string, value: () => number) =>
    toldGauge({ registry, name, help, rows: () => [{ labels: {}, value: value() }] });
  toldGauge({
    registry,
    name: "millrace_monitor_info",
    help: "1. Says of which environment the figures are; empty: it has no name.",
    labelNames: ["namespace"],
    rows: () => [{ labels: { namespace: monitor.namespace }, value: 1 }],
  });
  one("millrace_monitor_sequence", "Newest event of the log that the figures include.", () =>
    Number(monitor.figures().sequence),
  );
  one(
    "millrace_monitor_up_to_date",
    "0 while the history is being read, and while the broker is away.",
    () => Number(monitor.isUpToDate),
  );
  return registry;
}
