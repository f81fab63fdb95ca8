import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import type { FanOut, LoadResult, OnAccepted } from "./load.ts";

interface Told {
  readonly madeAtMs: number;
  readonly toldAtMs: number;
}

/**
 * Only reports count that were made after each watcher had been told one: before that a watch was still being opened, and
 * what it was told first is history.
 */
export async function fanOut(
  caller: Caller,
  { tasks, watchers, task }: FanOut,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const beganAt = nowMs();
  const watch = async (id: string): Promise<readonly Told[]> => {
    const told: Told[] = [];
    const onReport = (madeAtMs: number) => told.push({ madeAtMs, toldAtMs: nowMs() });
    await caller.watch?.(id, { onReport });
    return told;
  };
  const one = async () => {
    const id = await caller.submit(task);
    onAccepted(id);
    return Promise.all(Array.from({ length: watchers }, () => watch(id)));
  };
  const all = (await Promise.all(Array.from({ length: tasks }, one))).flat();
  const openAtMs = Math.max(...all.map(([first]) => first?.toldAtMs ?? 0));
  const live = all.flat().filter(({ madeAtMs }) => madeAtMs > openAtMs);
  return {
    tasks,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { report: latencyOf(live.map(({ madeAtMs, toldAtMs }) => toldAtMs - madeAtMs)) },
    counts: { told: all.flat().length },
  };
}
