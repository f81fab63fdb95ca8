import { setTimeout as delay } from "node:timers/promises";
import type { Watcher } from "./caller.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** What has not answered for that long does not come back. */
const GIVE_UP_MS = 60_000;

interface Given {
  readonly onFailure?: () => void;
  readonly pause?: (ms: number) => Promise<unknown>;
  readonly now?: () => number;
}

/** Watches to the end. A watch that breaks, or is refused, is opened again after the last event that it was told. */
export async function watchPersistently<Ended>(
  watch: (watcher: Watcher) => Promise<Ended>,
  watcher: Watcher,
  { onFailure, pause = delay, now = () => performance.now() }: Given = {},
): Promise<Ended> {
  let after = 0n;
  let failures = 0;
  let firstFailedAtMs = 0;
  const onEvent = (sequence: bigint) => {
    after = sequence;
  };
  const onOpen = () => {
    failures = 0;
    watcher.onOpen?.();
  };
  for (;;) {
    try {
      return await watch({ ...watcher, after, onEvent, onOpen });
    } catch (error) {
      if (failures === 0) firstFailedAtMs = now();
      if (now() - firstFailedAtMs > GIVE_UP_MS) throw error;
    }
    onFailure?.();
    await pause(pauseMs(failures));
    failures += 1;
  }
}

/** Longer from time to time, and never the same for all, for they fail together. */
export function pauseMs(failures: number, random: () => number = Math.random): number {
  const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return Math.round(ms * (0.5 + random()));
}
