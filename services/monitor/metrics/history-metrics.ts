import type { Registry } from "prom-client";
import type { LogUsage } from "#lib/broker/log/log-space.ts";
import { toldGauge } from "#lib/process/told-metrics.ts";
import type { HistoryUsage } from "../history-usage.ts";

/** How full the history is. */
export function addHistoryMetrics(registry: Registry, history: HistoryUsage): void {
  const gauge = (name: string, help: string, pick: (usage: LogUsage) => number) => {
    const rows = () => (history.newest ? [{ labels: {}, value: pick(history.newest) }] : []);
    toldGauge({ registry, name, help, rows });
  };
  gauge(
    "millrace_history_bytes",
    "Bytes that the history of all tasks takes.",
    ({ bytes }) => bytes,
  );
  gauge(
    "millrace_history_max_bytes",
    "Bytes that it may take; above 80 % the oldest tasks that have ended leave before their time.",
    ({ maxBytes }) => maxBytes,
  );
  gauge(
    "millrace_history_oldest_age_seconds",
    "Age of the oldest event in it; 0 if there is none.",
    ({ oldestMs, nowMs }) => (oldestMs === undefined ? 0 : (nowMs - oldestMs) / 1_000),
  );
}
