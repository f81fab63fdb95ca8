import { expect } from "vitest";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { Fleet } from "#test/support/fleet.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { memoryOf } from "#test/support/memory.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import type { Seen } from "#test/support/patient-watch.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { type Gateway, System } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { checkRecords, recordAll } from "#test/support/watch-records.ts";

/** A third of the watchers is good, a third is slow, and a third vanishes again and again. */
const EACH = sized({ short: 25, long: 333 });
const WAVES = sized({ short: 1, long: 5 });
const TASKS = sized({ short: 10, long: 30 });
const RUN_MS = sized({ short: 7_000, long: 20_000 });
const LIMIT_MS = sized({ short: 90_000, long: 600_000 });
const PAUSE_MS = RUN_MS - 2_000;
const HANG_UP_AFTER_MS = 2_000;
const QUIET: Script = { steps: 20, idleMs: RUN_MS };
/** More events in its time than a watcher may be behind, and more bytes than a line holds. */
const CHATTY: Script = { steps: 1_300, idleMs: RUN_MS, stepBytes: 1_000 };

/** Nobody is still counted as a watcher although all have left. */
async function nobodyWatches({ url }: Gateway): Promise<boolean> {
  return sampleOf(await metricsOf(url), "millrace_gateway_watchers") === 0;
}

function inMib(memories: readonly number[]): string {
  return `${memories.join(" and ")} MiB`;
}

function idsOf(wave: number): [string, ...string[]] {
  const quiet = Array.from({ length: TASKS }, (_, index) => `quiet-${wave}-${index}`);
  return [`chatty-${wave}`, ...quiet];
}

function resumes(records: readonly Seen[]): number {
  return records.reduce((sum, seen) => sum + seen.resumed, 0);
}

faultRow(
  "good, slow and vanishing watchers of two gateways each see every state change once, in order",
  async ({ figure }) => {
    await using system = await System.start();
    await using fleet = await Fleet.start(system, { gateways: 2, workers: 2 });
    const gateways = () => fleet.gateways;
    const memory = () => Promise.all(fleet.gateways.map(({ service }) => memoryOf(service.pid)));
    const memories = [await memory()];
    for (let wave = 0; wave < WAVES; wave += 1) {
      const [chatty, ...quiet] = idsOf(wave);
      const watched = Array.from({ length: EACH }, (_, index) => quiet[index % TASKS] ?? "");
      await submitPatiently(gateways, chatty, CHATTY);
      for (const id of quiet) await submitPatiently(gateways, id, QUIET);
      const [good, slow, vanishing] = await Promise.all([
        recordAll(gateways, watched),
        recordAll(gateways, Array<string>(EACH).fill(chatty), { pauseMs: PAUSE_MS }),
        recordAll(gateways, watched, { hangUpAfterMs: HANG_UP_AFTER_MS }),
      ]);

      const log = await checkLedger(system.nats.url, [chatty, ...quiet]);
      checkRecords(log, [...good, ...slow, ...vanishing]);
      for (const gateway of fleet.gateways) await until(() => nobodyWatches(gateway));
      expect(resumes(good)).toBe(0);
      expect(resumes(slow)).toBeGreaterThan(0);
      expect(resumes(vanishing)).toBeGreaterThanOrEqual(EACH);
      figure("watches resumed", `slow ${resumes(slow)}, vanishing ${resumes(vanishing)}`);
      memories.push(await memory());
    }
    figure("watchers", 3 * EACH);
    figure("memory of the gateways, before and after each wave", memories.map(inMib).join(", "));
  },
  LIMIT_MS,
);
