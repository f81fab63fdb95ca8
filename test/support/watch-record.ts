import { expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";

/** What is wrong with what a watcher of a task was shown; nothing, if it is the log. Of progress, some may be left out. */
export function faultsOf(
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

/** Every watcher was shown what the log has of its task: all of it, in its order, each event once. */
export function checkRecords(
  log: ReadonlyMap<string, readonly TaskEvent[]>,
  records: ReadonlyMap<string, readonly TaskEvent[]>,
): void {
  const faults = [...records].flatMap(([taskId, seen]) =>
    faultsOf(taskId, seen, log.get(taskId) ?? []),
  );
  expect(faults).toEqual([]);
}
