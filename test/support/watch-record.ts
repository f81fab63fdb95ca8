import { expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";

/** The events of which a watcher must see every one. Of progress it may be shown the newest alone. */
const WHOLE: readonly string[] = ["spec", "state", "output", "log"];

function wholeOf(events: readonly TaskEvent[]): string[] {
  return events
    .filter(({ facet }) => facet.case !== undefined && WHOLE.includes(facet.case))
    .map(({ sequence, facet }) => `${facet.case} ${sequence}`);
}

/** What is wrong with what a watcher of a task was shown; nothing, if it is the log. */
function faultsOf(taskId: string, seen: readonly TaskEvent[], stored: readonly TaskEvent[]) {
  const shown = wholeOf(seen);
  const missing = wholeOf(stored).filter((event) => !shown.includes(event));
  const known = new Set(stored.map(({ sequence }) => sequence));
  const invented = seen.filter(({ sequence }) => !known.has(sequence));
  const backwards = seen.filter(({ sequence }, index) => {
    const before = seen[index - 1];
    return before !== undefined && before.sequence >= sequence;
  });
  return [
    ...missing.map((event) => `a watcher of ${taskId} was not shown ${event}`),
    ...invented.map(({ sequence }) => `a watcher of ${taskId} was shown ${sequence}, not stored`),
    ...backwards.map(
      ({ sequence }) => `a watcher of ${taskId} was shown ${sequence} late or twice`,
    ),
  ];
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
