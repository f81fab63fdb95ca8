import { setTimeout } from "node:timers/promises";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { isTerminalEvent } from "#lib/task/life.ts";
import { mayPass } from "./may-pass.ts";
import type { Gateway } from "./system.ts";
import { until } from "./until.ts";

/** What a watcher saw, and how often it had to begin again. */
export interface Seen {
  readonly events: TaskEvent[];
  resumed: number;
}

/** How a watcher makes it hard for its gateway. */
export interface WatchHabits {
  readonly withinMs?: number;
  /** Hangs up after so long, and goes on with a new watch. */
  readonly hangUpAfterMs?: number;
  /** Reads nothing for so long when it has read the first events. */
  readonly pauseMs?: number;
}

/** Watches as a good client does: goes on from the last sequence it has, through whichever gateway is there. */
export async function watchPatiently(
  gateways: () => readonly Pick<Gateway, "client">[],
  taskId: string,
  seen: Seen = { events: [], resumed: 0 },
  habits: WatchHabits = {},
): Promise<Seen> {
  await until(async () => {
    const all = gateways();
    const gateway = all[seen.resumed % all.length];
    if (gateway) await watchOnce(gateway, taskId, seen, habits);
    const last = seen.events.at(-1);
    return last !== undefined && isTerminalEvent(last);
  }, habits.withinMs ?? 120_000);
  return seen;
}

async function watchOnce(
  { client }: Pick<Gateway, "client">,
  taskId: string,
  seen: Seen,
  { hangUpAfterMs, pauseMs = 0 }: WatchHabits,
): Promise<void> {
  const afterSequence = seen.events.at(-1)?.sequence ?? 0n;
  const hangUp = hangUpAfterMs === undefined ? {} : { signal: AbortSignal.timeout(hangUpAfterMs) };
  try {
    for await (const { update } of client.watchTask({ taskId, afterSequence }, hangUp)) {
      if (update?.kind.case === "event") seen.events.push(update.kind.value);
      if (seen.events.length === FIRST_EVENTS) await setTimeout(pauseMs);
    }
  } catch (error) {
    seen.resumed += 1;
    if (!mayPass(error)) throw error;
    await setTimeout(100);
  }
}

const FIRST_EVENTS = 3;
