import { expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { type Seen, type WatchHabits, watchPatiently } from "./patient-watch.ts";
import type { Gateway } from "./system.ts";

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
    const [first] = events;
    if (!first) return ["a watcher saw nothing"];
    return faultsOf(first.taskId, events, log.get(first.taskId) ?? []);
  });
  expect(faults).toEqual([]);
}

/** What is wrong with what a watcher of a task was shown; nothing, if it is the log. Of progress, some may be left out. */
function faultsOf(
  taskId: string,
  seen: readonly TaskEvent[],
  stored: readonly TaskEvent[],
): string[] {
  const unordered = seen.filter(
    ({ sequence }, index) => sequence <= (seen[index - 1]?.sequence ?? 0n),
  );
  const known = new Set(stored.map(keyOf));
  const had = new Set(seen.map(keyOf));
  const invented = seen.filter((event) => !known.has(keyOf(event)));
  const missed = stored.filter((event) => isKept(event) && !had.has(keyOf(event)));
  return [
    ...unordered.map(({ sequence }) => `${taskId}: ${sequence} came twice or late`),
    ...invented.map(({ sequence }) => `${taskId}: ${sequence} is not in the log`),
    ...missed.map(({ sequence, facet }) => `${taskId}: ${facet.case} ${sequence} was not shown`),
  ];
}

function keyOf({ sequence, facet }: TaskEvent): string {
  return `${sequence} ${facet.case}`;
}

function isKept({ facet }: TaskEvent): boolean {
  return facet.case !== "progress";
}
