import { expect, test } from "vitest";
import type { Caller, Watcher } from "../../../bench/client/caller.ts";
import { resumeWatches } from "../../../bench/client/resume-watches.ts";
import { nowMs } from "../../../bench/clock.ts";

const LOAD = { watches: 3, task: { reports: 1 } };
const onAccepted = () => {};

/** A gateway that breaks all watches when it is restarted. The task ends when all have come again. */
function gateway() {
  let watches: PromiseWithResolvers<void>[] = [];
  let isRestarted = false;
  const watch = async (id: string, { onOpen, onReport }: Watcher) => {
    onOpen?.();
    const ended = Promise.withResolvers<void>();
    watches.push(ended);
    if (isRestarted && watches.length === LOAD.watches) for (const each of watches) each.resolve();
    await ended.promise;
    onReport?.(nowMs());
    return { id, startedAtMs: 0 };
  };
  const restart = async () => {
    const killedAtMs = nowMs();
    isRestarted = true;
    for (const { reject } of watches) reject(new Error("the connection broke"));
    watches = [];
    return killedAtMs;
  };
  return { caller: callerWith(watch), restart };
}

function callerWith(watch: NonNullable<Caller["watch"]>): Caller {
  return {
    submit: async () => "t",
    run: async (_) => ({ id: "t", startedAtMs: 0 }),
    watch,
    async [Symbol.asyncDispose]() {},
  };
}

test("each watch counts from the kill until it is open again", async () => {
  const { caller, restart } = gateway();
  const { counts, latencies } = await resumeWatches(caller, LOAD, { onAccepted, restart });
  expect(counts).toEqual({ resumed: 3 });
  // The pause before a watch is opened again.
  expect(latencies["resumed"]?.p50).toBeGreaterThanOrEqual(40);
});

test("a task that reports before all watches are open says so, and nothing is restarted", async () => {
  let isFirst = true;
  const caller = callerWith(async (id, { onOpen, onReport }) => {
    if (isFirst) onOpen?.();
    isFirst = false;
    onReport?.(nowMs());
    return { id, startedAtMs: 0 };
  });
  const restart = () => Promise.reject(new Error("it was restarted"));
  await expect(resumeWatches(caller, LOAD, { onAccepted, restart })).rejects.toThrow(
    "the task reported when 1 of 3 watches were open",
  );
});
