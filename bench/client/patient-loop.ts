import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { LoadResult, OnAccepted, PatientLoop } from "./load.ts";

export async function patientLoop(
  caller: Caller,
  { callers, forMs, task }: PatientLoop,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const took: number[] = [];
  const endedAtMs: number[] = [];
  let again = 0;
  const onAgain = () => {
    again += 1;
  };
  const beganAt = nowMs();
  const one = async () => {
    for (let at = nowMs(); at < beganAt + forMs; at = nowMs()) {
      const ended = await caller.runPatiently?.(task, onAgain);
      if (!ended) return;
      onAccepted(ended.id);
      const now = nowMs();
      endedAtMs.push(now);
      took.push(now - at);
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return {
    tasks: took.length,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { result: latencyOf(took) },
    counts: { "asked again": again },
    endedAtMs,
  };
}
