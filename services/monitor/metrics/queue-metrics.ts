import type { Registry } from "prom-client";
import { toldGauge } from "#lib/process/told-metrics.ts";
import type { Monitor } from "../monitor.ts";
import type { QueueStanding } from "../queue-depths.ts";
import { oldestWaitingMs, seriesBy } from "../sums.ts";

const LABEL_NAMES = ["queue"];

/** What the broker says of queues. */
export function addQueueMetrics(registry: Registry, monitor: Monitor): void {
  const depths = (pick: (depth: QueueStanding) => number) => () =>
    [...monitor.depths.byQueue].flatMap(([queue, depth]) =>
      depth ? [{ labels: { queue }, value: pick(depth) }] : [],
    );
  toldGauge({
    registry,
    name: "millrace_queue_depth",
    help: "Tasks that wait in the queue, as the broker counts them.",
    labelNames: LABEL_NAMES,
    rows: depths(({ waiting }) => waiting),
  });
  toldGauge({
    registry,
    name: "millrace_queue_in_flight",
    help: "Tasks of the queue that are on loan to workers, as the broker counts them.",
    labelNames: LABEL_NAMES,
    rows: depths(({ inFlight }) => inFlight),
  });
  toldGauge({
    registry,
    name: "millrace_queue_paused",
    help: "1: an operator has paused the queue.",
    labelNames: LABEL_NAMES,
    rows: depths(({ pause }) => (pause ? 1 : 0)),
  });
  toldGauge({
    registry,
    name: "millrace_queue_oldest_waiting_seconds",
    help: "How long the queue's oldest waiting task has waited; 0 if none waits.",
    labelNames: LABEL_NAMES,
    rows: () => (monitor.isWhole ? oldestWaiting(monitor) : []),
  });
}

function oldestWaiting(monitor: Monitor) {
  const nowMs = monitor.nowMs();
  return seriesBy("queue", monitor.figures().series).map(([queue, series]) => {
    const oldestMs = oldestWaitingMs(series, nowMs) ?? nowMs;
    return { labels: { queue }, value: (nowMs - oldestMs) / 1_000 };
  });
}
