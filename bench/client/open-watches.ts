import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { LoadResult, OnAccepted, OpenWatches } from "./load.ts";

export async function openWatches(
  caller: Caller,
  { watches, task }: OpenWatches,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const id = await caller.submit(task);
  onAccepted(id);
  const took: number[] = [];
  let reports = 0;
  const beganAt = nowMs();
  // One that opens after the task has told something was not idle.
  const onOpen = () => {
    if (reports === 0) took.push(nowMs() - beganAt);
  };
  const onReport = () => {
    reports += 1;
  };
  const watch = () => caller.watch?.(id, { onOpen, onReport });
  await Promise.all(Array.from({ length: watches }, watch));
  return {
    tasks: 1,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { open: latencyOf(took) },
    counts: { open: took.length },
  };
}
