import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { LoadResult, OnAccepted, OneByOne } from "./load.ts";

export async function oneByOne(
  caller: Caller,
  { times, pauseMs, task }: OneByOne,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const start: number[] = [];
  const result: number[] = [];
  const beganAt = nowMs();
  for (let time = 0; time < times; time += 1) {
    await delay(pauseMs);
    const submittedAt = nowMs();
    const { id, startedAtMs } = await caller.run(task);
    onAccepted(id);
    result.push(nowMs() - submittedAt);
    start.push(startedAtMs - submittedAt);
  }
  return {
    tasks: times,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { start: latencyOf(start), result: latencyOf(result) },
    counts: {},
  };
}
