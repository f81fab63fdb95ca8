import { expect } from "vitest";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { type Gateway, historyOf, isolatedScriptOf, statesOf } from "#test/support/system.ts";

/** One thread for all, in which a hoard is soon too large. */
const test = testOnSharedSystem({
  MILLRACE_WORKER_CONCURRENCY: "1",
  MILLRACE_ISOLATED_HEAP_MB: "64",
});

async function submit({ client }: Gateway, script: Script): Promise<string> {
  const spec = { input: isolatedScriptOf(script), attemptTimeout: { seconds: 4n } };
  return (await client.submitTask({ spec })).task?.id ?? "";
}

test.for(["process exit", "busy loop", "memory"] as const)(
  "a timer that an isolated handler left behind costs the next task no attempt (%s)",
  async (runaway, { gateway, worker }) => {
    const leaving = await submit(gateway, { leaves: { runaway, afterMs: 700 } });
    await historyOf(gateway, leaving);
    // It is at work when the timer is due.
    const next = await submit(gateway, { steps: 4, idleMs: 1_500 });
    for (const id of [leaving, next]) {
      expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    }
    const said = "a handler left timers behind; its thread is not used again";
    const line = await worker.service.logged(said, ({ taskId }) => taskId === leaving);
    expect(line).toMatchObject({ attempt: 1, taskType: "google.protobuf.Value" });
  },
);
