import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { LoadResult, OnAccepted, ResumeWatches } from "./load.ts";
import { watchThroughRestarts } from "./watch-through-restarts.ts";

interface Surroundings {
  readonly onAccepted: OnAccepted;
  /** Has the gateways killed and started again; resolves with when they were killed, on the clock of `nowMs`. */
  readonly restart: () => Promise<number>;
}

/** Opens all watches, has the gateways restarted, and tells when each watch was open again. */
export async function resumeWatches(
  caller: Caller,
  { watches, task }: ResumeWatches,
  { onAccepted, restart }: Surroundings,
): Promise<LoadResult> {
  const id = await caller.submit(task);
  onAccepted(id);
  const beganAt = nowMs();
  const held = holdWatches(caller, id, watches);
  await Promise.race([held.allOpen, held.ended]);
  const open = held.openedAtMs.filter((at) => !Number.isNaN(at)).length;
  if (open < watches)
    throw new Error(`the task reported when ${open} of ${watches} watches were open`);
  const killedAtMs = await restart();
  await held.ended;
  const took = held.openedAtMs.filter((at) => at > killedAtMs).map((at) => at - killedAtMs);
  return {
    tasks: 1,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { resumed: latencyOf(took) },
    counts: { resumed: took.length },
  };
}

/** Watches that are opened at once, and again whenever they break. */
function holdWatches(caller: Caller, id: string, watches: number) {
  /** When each was open last, before the task had reported. */
  const openedAtMs = Array.from({ length: watches }, () => Number.NaN);
  const allOpen = Promise.withResolvers<void>();
  let missing = watches;
  let reports = 0;
  const onReport = () => {
    reports += 1;
  };
  const onOpen = (index: number) => {
    if (reports > 0) return;
    if (Number.isNaN(openedAtMs[index])) missing -= 1;
    openedAtMs[index] = nowMs();
    if (missing === 0) allOpen.resolve();
  };
  const hold = (_: number, index: number) =>
    watchThroughRestarts(async (watcher) => caller.watch?.(id, watcher), {
      onReport,
      onOpen: () => onOpen(index),
    });
  const ended = Promise.all(openedAtMs.map(hold));
  // One that fails while the gateways are restarted is told of when that is done.
  ended.catch(() => {});
  return { openedAtMs, allOpen: allOpen.promise, ended };
}
