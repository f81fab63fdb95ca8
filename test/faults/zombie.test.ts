import { setTimeout } from "node:timers/promises";
import { describe, expect } from "vitest";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { type Gate, openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { historyOf, System, statesOf } from "#test/support/system.ts";

const ROUNDS = sized({ short: 1, long: 15 });
const LIMIT_MS = sized({ short: 90_000, long: 900_000 });
/** Tasks that the zombie holds. */
const HELD = 5;
/** A delivery that was extended just before the freeze is still its worker's after this long. */
const SHORTER_THAN_LEASE_MS = 5_000;

async function arrivals(gate: Gate, count: number): Promise<void> {
  for (let arrived = 0; arrived < count; arrived += 1) await gate.arrived();
}

function idsOf(round: number): string[] {
  return Array.from({ length: HELD }, (_, index) => `round-${round}-${index}`);
}

// What takes long here is waiting for leases to end, not work.
describe.concurrent("a frozen worker", () => {
  faultRow(
    "a worker that was frozen past its lease writes nothing of what others took over, and then works on",
    async ({ random }) => {
      await using system = await System.start();
      const { gateway, worker: zombie } = await system.running();
      const accepted: string[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        await using gate = await openGate();
        const ids = idsOf(round);
        accepted.push(...ids);
        const script = { steps: 1, gate: gate.url, stepsAfterGate: 1 };
        for (const id of ids) await submitPatiently(() => [gateway], id, script);
        await arrivals(gate, HELD);

        zombie.service.kill("SIGSTOP");
        const other = await system.worker();
        await arrivals(gate, HELD);
        await setTimeout(random() * 3_000);
        zombie.service.kill("SIGCONT");
        await setTimeout(random() * 200);
        gate.open();

        for (const id of ids) {
          const events = await historyOf(gateway, id);
          expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
          const { task } = await gateway.client.getTask({ taskId: id });
          expect(task).toMatchObject({ crashes: 1, failures: 0, workerId: other.id });
        }
        other.service.kill("SIGTERM");
        await other.service.exited;
        const after = `after-${round}`;
        accepted.push(after);
        await submitPatiently(() => [gateway], after, { steps: 1 });
        expect(statesOf(await historyOf(gateway, after))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
        const { task } = await gateway.client.getTask({ taskId: after });
        expect(task?.workerId).toBe(zombie.id);
      }
      await checkLedger(system.nats.url, accepted);
    },
    LIMIT_MS,
  );

  faultRow(
    "nothing happens twice when a worker is frozen for less than its lease",
    async ({ random }) => {
      await using system = await System.start();
      const { gateway, worker } = await system.running();
      await system.worker();
      const accepted: string[] = [];
      for (let round = 0; round < 2 * ROUNDS; round += 1) {
        const ids = idsOf(round);
        accepted.push(...ids);
        const script = { steps: 3, idleMs: 100 + random() * 4_000 };
        for (const id of ids) await submitPatiently(() => [gateway], id, script);
        await setTimeout(random() * 500);
        worker.service.kill("SIGSTOP");
        await setTimeout(random() * SHORTER_THAN_LEASE_MS);
        worker.service.kill("SIGCONT");
        for (const id of ids) {
          const states = statesOf(await historyOf(gateway, id));
          expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
        }
      }
      await checkLedger(system.nats.url, accepted);
    },
    LIMIT_MS,
  );

  faultRow(
    "a worker that wakes with an old delivery leaves the task to the one that has just begun it",
    async () => {
      await using system = await System.start();
      await using gate = await openGate();
      const { gateway, worker: zombie } = await system.running();
      // Frozen while it waits for work, it is given some all the same, and does not know.
      zombie.service.kill("SIGSTOP");
      await submitPatiently(() => [gateway], "given-to-two", { gate: gate.url });
      const holder = await system.worker();
      await gate.arrived();
      zombie.service.kill("SIGCONT");
      await setTimeout(2_000);
      gate.open();

      const events = await historyOf(gateway, "given-to-two");
      expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      const { task } = await gateway.client.getTask({ taskId: "given-to-two" });
      expect(task).toMatchObject({ crashes: 0, workerId: holder.id });
      await checkLedger(system.nats.url, ["given-to-two"]);
    },
    LIMIT_MS,
  );

  faultRow(
    "a zombie that never heard that its task went on does not hide the death of the next holder",
    async ({ figure }) => {
      await using system = await System.start();
      await using gate = await openGate();
      const { gateway, worker: zombie } = await system.running();
      await submitPatiently(() => [gateway], "held", { gate: gate.url, deaf: true });
      await gate.arrived();

      zombie.service.kill("SIGSTOP");
      // What is said on the new line, the zombie does not hear.
      await system.nats.kill("SIGKILL");
      await system.nats.restart();
      const holder = await system.worker();
      await gate.arrived();
      zombie.service.kill("SIGCONT");
      await zombie.service.logged("attempt ended", (entry) => entry["written"] === false);
      holder.service.kill("SIGKILL");
      const killedAt = Date.now();
      await gate.arrived();
      const waitedMs = Date.now() - killedAt;
      gate.open();

      figure("wait for the next attempt", `${waitedMs} ms`);
      expect(waitedMs).toBeLessThan(10_000);
      const states = statesOf(await historyOf(gateway, "held"));
      expect(states).toEqual(["RUNNING 1", "RUNNING 2", "RUNNING 3", "SUCCEEDED 3"]);
      await checkLedger(system.nats.url, ["held"]);
    },
    LIMIT_MS,
  );
});
