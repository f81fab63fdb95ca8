import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import { dueTimes } from "./due-times.ts";
import type { Delayed, LoadResult, OnAccepted } from "./load.ts";
import { submitAll } from "./submit-all.ts";

const AT_ONCE = 1_000;

export async function delayed(
  caller: Caller,
  { tasks, leadMs, withinMs, task }: Delayed,
  onAccepted: OnAccepted,
): Promise<LoadResult> {
  const beganAt = nowMs();
  const planned = dueTimes({ tasks, firstAtMs: beganAt + leadMs, withinMs });
  const dueAtMs = new Map<string, number>();
  const took: number[] = [];
  let atOnce = 0;
  for (let from = 0; from < tasks; from += AT_ONCE) {
    const calledAt = nowMs();
    // What could not be submitted in time is due at once: a task can't be late before it was asked for.
    const dues = planned.slice(from, from + AT_ONCE).map((due) => Math.max(due, calledAt));
    atOnce += dues.filter((due) => due === calledAt).length;
    const ids = await submitAll(
      caller,
      dues.map((due) => (due > calledAt ? { ...task, dueAtMs: due } : task)),
    );
    took.push(nowMs() - calledAt);
    for (const [index, id] of ids.entries()) {
      onAccepted(id);
      dueAtMs.set(id, Number(dues[index]));
    }
  }
  return {
    tasks,
    seconds: (nowMs() - beganAt) / 1000,
    latencies: { "call accepted": latencyOf(took) },
    counts: { "due at once": atOnce },
    dueAtMs,
  };
}
