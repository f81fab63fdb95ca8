import type { ServerResponse } from "node:http";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Endpoint } from "#lib/process/health-endpoints.ts";
import type { Log } from "#lib/process/log.ts";
import type { Monitor } from "../monitor.ts";
import { addQueueMetrics } from "./queue-metrics.ts";
import { addTaskMetrics } from "./task-metrics.ts";
import { toldGauge } from "./told.ts";
import { addWorkerMetrics } from "./worker-metrics.ts";

/** Tells Prometheus at /metrics what the monitor knows. */
export function metricsEndpoint(monitor: Monitor, log: Log): Endpoint {
  const registry = registryOf(monitor);
  return (request, response) => {
    const { method, url } = request;
    if (url?.split("?")[0] !== "/metrics" || (method !== "GET" && method !== "HEAD")) return false;
    answer(registry, response).catch((error) => {
      log.error({ err: error }, "metrics can't be told");
      response.writeHead(500).end();
    });
    return true;
  };
}

function registryOf(monitor: Monitor): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Totals that grow as the history is read would look like a burst.
  addTaskMetrics(registry, () => (monitor.isWhole ? monitor.figures().series : []));
  addQueueMetrics(registry, monitor);
  addWorkerMetrics(registry, monitor.workers);
  const one = (name: string, help: string, value: () => number) =>
    toldGauge({ registry, name, help, rows: () => [{ labels: {}, value: value() }] });
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

async function answer(registry: Registry, response: ServerResponse): Promise<void> {
  const body = await registry.metrics();
  response.writeHead(200, { "content-type": registry.contentType, "cache-control": "no-store" });
  response.end(body);
}
