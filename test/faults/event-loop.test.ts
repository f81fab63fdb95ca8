import { describe, expect } from "vitest";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { historyOf, isolatedScriptOf, System, statesOf } from "#test/support/system.ts";

/** Longer than a lease in any case. */
const BLOCK_MS = sized({ short: 11_000, long: 60_000 });
const BLOCKING = Array.from({ length: 4 }, (_, index) => `blocking-${index}`);
const NEIGHBORS = ["neighbor-1", "neighbor-2", "neighbor-3"];

describe.concurrent("a blocked thread", () => {
  faultRow(
    "a worker whose event loop a handler blocks loses its tasks to others, writes nothing late, and works on",
    async () => {
      await using system = await System.start();
      await using gate = await openGate();
      const { gateway, worker: blocked } = await system.running();
      const held = { gate: gate.url, stepsAfterGate: 1 };
      for (const id of NEIGHBORS) {
        await submitPatiently(() => [gateway], id, held);
        await gate.arrived();
      }
      await submitPatiently(() => [gateway], "blocking", { steps: 1, blockMs: BLOCK_MS });
      const blocking = historyOf(gateway, "blocking");
      const other = await system.worker();
      for (const _ of NEIGHBORS) await gate.arrived();
      gate.open();

      for (const id of NEIGHBORS) {
        const states = statesOf(await historyOf(gateway, id));
        expect(states).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
        const { task } = await gateway.client.getTask({ taskId: id });
        expect(task).toMatchObject({ crashes: 1, failures: 0, workerId: other.id });
      }
      expect(statesOf(await blocking)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
      const ended = (taskId: string) => (entry: Readonly<Record<string, unknown>>) =>
        entry["taskId"] === taskId && entry["written"] === false;
      for (const id of [...NEIGHBORS, "blocking"]) {
        await blocked.service.logged("attempt ended", ended(id));
      }

      other.service.kill("SIGTERM");
      await other.service.exited;
      await submitPatiently(() => [gateway], "after", { steps: 1 });
      expect(statesOf(await historyOf(gateway, "after"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      const { task } = await gateway.client.getTask({ taskId: "after" });
      expect(task?.workerId).toBe(blocked.id);
      await checkLedger(system.nats.url, [...NEIGHBORS, "blocking", "after"]);
    },
    60_000 + 2 * BLOCK_MS,
  );

  faultRow(
    "a handler in a thread of its own may block it for long, and nothing happens to anybody",
    async () => {
      await using system = await System.start();
      await using gate = await openGate();
      const { gateway } = await system.running();
      await system.worker();
      for (const id of NEIGHBORS) {
        await submitPatiently(() => [gateway], id, { gate: gate.url, stepsAfterGate: 1 });
        await gate.arrived();
      }
      const input = isolatedScriptOf({ steps: 1, blockMs: BLOCK_MS });
      for (const taskId of BLOCKING) await gateway.client.submitTask({ taskId, spec: { input } });
      for (const id of BLOCKING) {
        expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      }
      gate.open();
      for (const id of NEIGHBORS) {
        expect(statesOf(await historyOf(gateway, id))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      }
      await checkLedger(system.nats.url, [...NEIGHBORS, ...BLOCKING]);
    },
    60_000 + 2 * BLOCK_MS,
  );
});
