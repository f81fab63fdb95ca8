import type { Registry } from "prom-client";
import { depthOf, unservedTypes } from "#lib/broker/queues/describe-types.ts";
import { toldGauge } from "#lib/process/told-metrics.ts";
import type { Monitor } from "../monitor.ts";
import { oldestOf, type QueueStanding } from "../queue-depths.ts";

const LABEL_NAMES = ["queue"];

/** What the broker says of queues. */
export function addQueueMetrics(registry: Registry, monitor: Monitor): void {
  const depths = (pick: (standing: QueueStanding) => number) => () =>
    [...monitor.depths.byQueue].flatMap(([queue, standing]) => {
      if (!standing) return [];
      const depth = depthOf(queue, standing, monitor.workers);
      return [{ labels: { queue }, value: pick({ ...standing, ...depth }) }];
    });
  toldGauge({
    registry,
    name: "millrace_queue_depth",
    help: "Tasks that wait in the queue.",
    labelNames: LABEL_NAMES,
    rows: depths(({ waiting }) => waiting),
  });
  toldGauge({
    registry,
    name: "millrace_queue_in_flight",
    help: "Tasks of the queue that workers were given; also what they gave back, until another takes it.",
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
    name: "millrace_queue_unserved_tasks",
    help: "Tasks that wait in the queue, and whose type no live worker serves from it.",
    labelNames: ["queue", "type"],
    rows: () => unserved(monitor),
  });
  toldGauge({
    registry,
    name: "millrace_queue_oldest_waiting_seconds",
    help: "How long the oldest task that waits has been in the queue; 0 if none waits.",
    labelNames: LABEL_NAMES,
    rows: depths((depth) => (oldestOf(depth) ?? 0) / 1_000),
  });
}

function unserved({ depths, workers }: Monitor) {
  return [...depths.byQueue].flatMap(([queue, depth]) => {
    const types = depth ? unservedTypes(queue, depth, workers) : [];
    return [...types].map(([type, value]) => ({ labels: { queue, type }, value }));
  });
}
