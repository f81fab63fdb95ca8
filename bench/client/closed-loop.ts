import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { ClosedLoop, LoadResult, OnAccepted } from "./load.ts";
import { tasksInTurn } from "./tasks-in-turn.ts";

export async function closedLoop(
  caller: Caller,
  { callers, forMs, watched, types, task }: ClosedLoop,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const took: number[] = [];
  const beganAt = nowMs();
  const next = tasksInTurn(task, types);
  const call = async () => (watched ? (await caller.run(next())).id : caller.submit(next()));
  const one = async () => {
    for (let at = nowMs(); at < beganAt + forMs; at = nowMs()) {
      onAccepted(await call());
      took.push(nowMs() - at);
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return {
    tasks: took.length,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { [watched ? "result" : "accepted"]: latencyOf(took) },
    counts: {},
  };
}
