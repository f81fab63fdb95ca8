import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { memoryOf, peakMemoryOf } from "#test/support/memory.ts";
import { startTestNats } from "#test/support/nats.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import type { Launch } from "#test/support/service.ts";
import {
  type Gateway,
  historyOf,
  isolatedScriptOf,
  outputOf,
  System,
  statesOf,
} from "#test/support/system.ts";
import { upsunApp } from "#test/support/upsun.ts";

const CAN_SEE_PEAK = existsSync("/proc/self/status");
const HEAP_MB = 64;
/** A thread's code and stack, its young generation, and the 16 MB that it is stopped in. */
const BESIDE_HEAP_MB = 120;

const onUpsun = upsunApp("worker").web.commands.start.match(/--max-\S+/g) ?? [];

const STARTS: readonly { how: string; launch?: Launch; options?: string }[] = [
  { how: "as on Upsun", launch: { flags: onUpsun } },
  { how: "by NODE_OPTIONS", options: "--max-old-space-size=640 --max-semi-space-size=64" },
];

async function submit({ client }: Gateway, script: Script): Promise<string> {
  const spec = { input: isolatedScriptOf(script), retryPolicy: { maxAttempts: 1 } };
  return (await client.submitTask({ spec })).task?.id ?? "";
}

describe.skipIf(!CAN_SEE_PEAK)("a worker whose own heap has a limit", () => {
  test.for(STARTS)(
    "$how, holds an isolated handler to its limit, and its other attempt goes on",
    async ({ launch, options = "" }) => {
      await using system = System.on(await startTestNats(), {}, launch);
      await using gate = await openGate();
      const env = { MILLRACE_ISOLATED_HEAP_MB: String(HEAP_MB), NODE_OPTIONS: options };
      const { gateway, worker } = await system.running(env);
      const other = await submit(gateway, { gate: gate.url });
      await gate.arrived();
      const { pid } = worker.service;
      const before = await memoryOf(pid);

      const hoarding = await submit(gateway, { runaway: "memory" });
      expect(statesOf(await historyOf(gateway, hoarding))).toEqual(["RUNNING 1", "FAILED 1"]);
      const { task } = await gateway.client.getTask({ taskId: hoarding });
      expect(task).toMatchObject({ crashes: 0, error: { code: "OUT_OF_MEMORY" } });
      expect((await peakMemoryOf(pid)) - before).toBeLessThan(HEAP_MB + BESIDE_HEAP_MB);
      gate.open();
      await historyOf(gateway, other);
      const after = (await gateway.client.getTask({ taskId: other })).task;
      expect(after).toMatchObject({ crashes: 0, workerId: worker.id });
      expect(outputOf(after)).toBe("attempt 1");
    },
  );
});
