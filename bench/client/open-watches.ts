import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import { holdWatches } from "./hold-watches.ts";
import type { LoadResult, OnAccepted, OpenWatches } from "./load.ts";

export async function openWatches(
  caller: Caller,
  { watches, task }: OpenWatches,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const id = await caller.submit(task);
  onAccepted(id);
  const beganAt = nowMs();
  const { openedAtMs, ended, failures } = holdWatches(caller, id, watches);
  await ended;
  const took = openedAtMs.filter((at) => !Number.isNaN(at)).map((at) => at - beganAt);
  return {
    tasks: 1,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { open: latencyOf(took) },
    counts: { open: took.length, failures: failures() },
  };
}
