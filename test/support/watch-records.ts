import { expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { type Seen, type WatchHabits, watchPatiently } from "./patient-watch.ts";
import type { Gateway } from "./system.ts";
import { faultsOf } from "./watch-record.ts";

/** Watches each of the tasks to its end, through all gateways evenly, and keeps what every watcher saw. */
export function recordAll(
  gateways: () => readonly Gateway[],
  taskIds: readonly string[],
  habits?: WatchHabits,
): Promise<Seen[]> {
  const watch = (taskId: string, index: number) =>
    watchPatiently(() => turned(gateways(), index), taskId, undefined, habits);
  return Promise.all(taskIds.map(watch));
}

/** The gateways in the order in which the watcher of this number tries them. */
export function turned(gateways: readonly Gateway[], index: number): readonly Gateway[] {
  const first = index % Math.max(1, gateways.length);
  return [...gateways.slice(first), ...gateways.slice(0, first)];
}

/**
 * Each watcher saw what the log has: every event in its order and once, of which only progress may be left out, for a
 * newer one replaces it.
 */
export function checkRecords(
  log: ReadonlyMap<string, readonly TaskEvent[]>,
  records: readonly Seen[],
): void {
  const faults = records.flatMap(({ events }) => {
    const taskId = events[0]?.taskId ?? "";
    return faultsOf(taskId, events, log.get(taskId) ?? []);
  });
  expect(faults).toEqual([]);
}
