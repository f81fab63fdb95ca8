import { nowMs } from "../clock.ts";
import { latencyOf } from "../measure/statistics.ts";
import type { Caller } from "./caller.ts";
import { holdWatches } from "./hold-watches.ts";
import type { LoadResult, OnAccepted, ResumeWatches } from "./load.ts";

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
