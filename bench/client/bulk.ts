import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { Bulk, LoadResult, OnAccepted } from "./load.ts";
import { submitAll } from "./submit-all.ts";

export async function bulk(
  caller: Caller,
  { size, times, task }: Bulk,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const tasks = Array.from({ length: size }, () => task);
  const took: number[] = [];
  let accepted = 0;
  const beganAt = nowMs();
  for (let time = 0; time < times; time += 1) {
    const calledAt = nowMs();
    const ids = await submitAll(caller, tasks);
    took.push(nowMs() - calledAt);
    accepted += ids.length;
    for (const id of ids) onAccepted(id);
  }
  return {
    tasks: accepted,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { "call accepted": latencyOf(took) },
    counts: {},
  };
}
