import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { MeterName, Series } from "./fold/series.ts";
import { StateCounts } from "./fold/state-counts.ts";

/** The series by one of their names, sorted by it. */
export function seriesBy(
  name: "queue" | "type",
  series: readonly Series[],
): readonly (readonly [string, readonly Series[]])[] {
  const groups = Map.groupBy(series, (one) => one[name]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** In the form of a TaskCounts message. */
export function countsOf(series: readonly Series[]) {
  const sum = new StateCounts();
  for (const { tasks } of series) sum.addAll(tasks);
  const of = (state: TaskState) => BigInt(sum.of(state));
  return {
    scheduled: of(TaskState.SCHEDULED),
    queued: of(TaskState.QUEUED),
    running: of(TaskState.RUNNING),
    retrying: of(TaskState.RETRYING),
    succeeded: of(TaskState.SUCCEEDED),
    failed: of(TaskState.FAILED),
    canceled: of(TaskState.CANCELED),
    expired: of(TaskState.EXPIRED),
  };
}

/** In the form of a Rates message. */
export function ratesOf(series: readonly Series[], nowMs: number) {
  const of = (name: MeterName) =>
    series.reduce((sum, { meters }) => sum + meters[name].perSecond(nowMs), 0);
  return {
    acceptedPerSecond: of("accepted"),
    startedPerSecond: of("started"),
    succeededPerSecond: of("succeeded"),
    failedPerSecond: of("failed"),
    retriedPerSecond: of("retried"),
  };
}
