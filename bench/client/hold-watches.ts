import { nowMs } from "../clock.ts";
import type { Caller, Watcher } from "./caller.ts";
import { watchPersistently } from "./watch-persistently.ts";

interface HeldWatches {
  /** When each was open last, before the task had reported: one that opens later was not idle. NaN: never. */
  readonly openedAtMs: readonly number[];
  readonly allOpen: Promise<void>;
  /** All have been told the end of their task. */
  readonly ended: Promise<unknown>;
  /** How often one broke, or was refused. */
  failures(): number;
}

/** Opens watches of a task, all at once, and opens them again whenever they break. */
export function holdWatches(caller: Caller, id: string, watches: number): HeldWatches {
  const openedAtMs = Array.from({ length: watches }, () => Number.NaN);
  const allOpen = Promise.withResolvers<void>();
  let missing = watches;
  let reports = 0;
  let failures = 0;
  const onReport = () => {
    reports += 1;
  };
  const onFailure = () => {
    failures += 1;
  };
  const onOpen = (index: number) => {
    if (reports > 0) return;
    if (Number.isNaN(openedAtMs[index])) missing -= 1;
    openedAtMs[index] = nowMs();
    if (missing === 0) allOpen.resolve();
  };
  const watch = async (watcher: Watcher) => caller.watch?.(id, watcher);
  const hold = (_: number, index: number) =>
    watchPersistently(watch, { onReport, onOpen: () => onOpen(index) }, { onFailure });
  const ended = Promise.all(openedAtMs.map(hold));
  // Whoever holds them may wait for something else when one fails.
  ended.catch(() => {});
  return { openedAtMs, allOpen: allOpen.promise, ended, failures: () => failures };
}
