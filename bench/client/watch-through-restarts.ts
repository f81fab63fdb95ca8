import { setTimeout as delay } from "node:timers/promises";
import type { Watcher } from "./caller.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** A gateway that is away for longer does not come back. */
const GIVE_UP_MS = 60_000;

type Watch<Ended> = (watcher: Watcher) => Promise<Ended>;

/** Watches to the end. A watch that was open and breaks is taken up after the last event that it was told. */
export async function watchThroughRestarts<Ended>(
  watch: Watch<Ended>,
  watcher: Watcher,
  pause: (ms: number) => Promise<unknown> = delay,
): Promise<Ended> {
  let after = 0n;
  let failures = 0;
  let wasOpen = false;
  let brokenAtMs = Number.NaN;
  const onEvent = (sequence: bigint) => {
    after = sequence;
  };
  const onOpen = () => {
    failures = 0;
    wasOpen = true;
    watcher.onOpen?.();
  };
  for (;;) {
    try {
      return await watch({ ...watcher, after, onEvent, onOpen });
    } catch (error) {
      if (failures === 0) brokenAtMs = performance.now();
      const isOver = performance.now() - brokenAtMs > GIVE_UP_MS;
      if (!wasOpen || isOver) throw error;
    }
    await pause(pauseMs(failures));
    failures += 1;
  }
}

/** Longer from time to time, and never the same for all, for they fail together. */
export function pauseMs(failures: number, random: () => number = Math.random): number {
  const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return Math.round(ms * (0.5 + random()));
}
