import type { Registry } from "prom-client";
import { toldCounter, toldGauge } from "#lib/process/told-metrics.ts";
import { stateName } from "#lib/task/life.ts";
import { type Buckets, QUEUE_WAIT_BOUNDS_SECONDS, RUN_BOUNDS_SECONDS } from "../fold/buckets.ts";
import type { MeterName, Series } from "../fold/series.ts";
import { STATES } from "../fold/state-counts.ts";
import { FoldedHistogram } from "./folded-histogram.ts";

const TOTALS: readonly { readonly meter: MeterName; readonly help: string }[] = [
  { meter: "accepted", help: "Tasks accepted, since the log's oldest event." },
  { meter: "succeeded", help: "Tasks that succeeded, since the log's oldest event." },
  { meter: "failed", help: "Ends of tasks by failing for good, since the log's oldest event." },
  {
    meter: "expired",
    help: "Ends of tasks by not starting in time, since the log's oldest event.",
  },
  { meter: "retried", help: "Failed attempts to be retried, since the log's oldest event." },
  { meter: "restarted", help: "Starts of ended tasks once more, since the log's oldest event." },
];

type AllSeries = () => readonly Series[];

/** What the log says of tasks. */
export function addTaskMetrics(registry: Registry, series: AllSeries): void {
  toldGauge({
    registry,
    name: "millrace_tasks",
    help: "Tasks in the log, by state.",
    labelNames: ["state", "queue", "type"],
    rows: () => series().flatMap(rowPerState),
  });
  for (const { meter, help } of TOTALS) {
    toldCounter({
      registry,
      name: `millrace_tasks_${meter}_total`,
      help,
      labelNames: ["queue", "type"],
      rows: () =>
        series().map((one) => ({ labels: labelsOf(one), value: one.meters[meter].total })),
    });
  }
  addDurations(registry, series);
}

function addDurations(registry: Registry, series: AllSeries): void {
  const rows = (bucketsOf: (one: Series) => Buckets) => () =>
    series().map((one) => ({ labels: labelsOf(one), buckets: bucketsOf(one) }));
  new FoldedHistogram({
    registry,
    name: "millrace_queue_wait_seconds",
    help: "From accepted, or the start time if that is later, to the start of the first attempt.",
    bounds: QUEUE_WAIT_BOUNDS_SECONDS,
    rows: rows(({ queueWait }) => queueWait),
  });
  new FoldedHistogram({
    registry,
    name: "millrace_run_seconds",
    help: "From start to end of attempts.",
    bounds: RUN_BOUNDS_SECONDS,
    rows: rows(({ runTime }) => runTime),
  });
}

function labelsOf({ queue, type }: Series) {
  return { queue, type };
}

function rowPerState(series: Series) {
  return STATES.map((state) => ({
    labels: { state: stateName(state), ...labelsOf(series) },
    value: series.tasks.of(state),
  }));
}
