import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { LoadResult, OnAccepted, OpenLoop } from "./load.ts";

/** More unanswered calls than this, and the rate is beyond what the system sustains: no more are made. */
const MOST_WAITING = 5_000;

/**
 * A call's time counts from when it was due, not from when it could be made: a system that holds up its callers does not
 * look faster for it.
 */
export async function openLoop(
  caller: Caller,
  { perSecond, forMs, task }: OpenLoop,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const took: number[] = [];
  const waiting = new Set<Promise<void>>();
  const wanted = Math.round((perSecond * forMs) / 1000);
  const beganAt = nowMs();
  let made = 0;
  const call = async (dueAt: number) => {
    onAccepted(await caller.submit(task));
    took.push(nowMs() - dueAt);
  };
  while (made < wanted && waiting.size < MOST_WAITING) {
    const due = Math.min(wanted, Math.floor(((nowMs() - beganAt) * perSecond) / 1000) + 1);
    for (; made < due; made += 1) {
      const answered: Promise<void> = call(beganAt + (made * 1000) / perSecond).finally(() =>
        waiting.delete(answered),
      );
      waiting.add(answered);
    }
    await delay(1);
  }
  await Promise.all(waiting);
  return {
    tasks: took.length,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { accepted: latencyOf(took) },
    counts: { "calls not made": wanted - made },
  };
}
