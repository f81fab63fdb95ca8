import { setTimeout } from "node:timers/promises";
import { describe, expect } from "vitest";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { Fleet, oneOf } from "#test/support/fleet.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { type Gateway, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { checkRecords, recordAll } from "#test/support/watch-records.ts";

const ROUNDS = sized({ short: 3, long: 50 });
const LIMIT_MS = sized({ short: 90_000, long: 1_200_000 });
const SUBMITS = 120;
const CALLERS = 20;
/** One in so many callers dies with the gateway, and never repeats. */
const FORGETFUL = 4;

interface Answers {
  readonly accepted: Set<string>;
  readonly unanswered: string[];
}

/** Some callers at once submit one task after the other, through one gateway alone, once each. */
async function submitOnce(
  { client }: Gateway,
  ids: readonly string[],
  onAnswer: (answers: number) => void,
): Promise<Answers> {
  const input = scriptOf({ steps: 1 });
  const accepted = new Set<string>();
  const left = [...ids];
  const caller = async () => {
    for (let taskId = left.shift(); taskId; taskId = left.shift()) {
      await client.submitTask({ taskId, spec: { input } });
      onAnswer(accepted.add(taskId).size);
    }
  };
  await Promise.allSettled(Array.from({ length: CALLERS }, caller));
  return { accepted, unanswered: ids.filter((id) => !accepted.has(id)) };
}

describe.concurrent("a killed gateway", () => {
  faultRow(
    "a gateway that is killed in the middle of submits leaves none of them half done",
    async ({ random, figure }) => {
      await using system = await System.start();
      await using fleet = await Fleet.start(system, { gateways: 2, workers: 1 });
      await using live = new LiveLog(system.nats.url);
      const accepted: string[] = [];
      const abandoned: string[] = [];
      let repeated = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const [doomed] = fleet.gateways as [Gateway];
        const ids = Array.from({ length: SUBMITS }, (_, index) => `round-${round}-${index}`);
        const fatal = 1 + Math.floor(random() * (SUBMITS - 1));
        const { accepted: answered, unanswered } = await submitOnce(doomed, ids, (answers) => {
          if (answers === fatal) fleet.end(doomed);
        });
        const repeats = unanswered.filter((_, index) => index % FORGETFUL !== 0);
        abandoned.push(...unanswered.filter((_, index) => index % FORGETFUL === 0));
        accepted.push(...answered, ...repeats);
        repeated += repeats.length;
        await Promise.all(
          repeats.map((id) => submitPatiently(() => fleet.gateways, id, { steps: 1 })),
        );
        await until(() => fleet.gateways.length === 2);
      }

      await live.allEnded(accepted, 60_000);
      const known = await readLog(system.nats.url);
      const written = abandoned.filter((id) => known.has(id));
      figure("submits", `${accepted.length + abandoned.length}, of which repeated ${repeated}`);
      figure("never repeated", `${abandoned.length}, of which in the log ${written.length}`);
      const log = await checkLedger(system.nats.url, accepted);
      for (const id of accepted) {
        const states = statesOf(log.get(id) ?? []).filter((state) => state !== "QUEUED 0");
        expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      }
    },
    LIMIT_MS,
  );

  faultRow(
    "watchers of killed gateways go on elsewhere, and miss nothing",
    async ({ random, figure }) => {
      await using system = await System.start();
      await using fleet = await Fleet.start(system, { gateways: 2, workers: 2 });
      const gateways = () => fleet.gateways;
      const ids = Array.from({ length: 16 * ROUNDS }, (_, index) => `watched-${index}`);
      const submit = (id: string) =>
        submitPatiently(gateways, id, { steps: 10, idleMs: 500 + random() * 3_500 });
      await Promise.all(ids.map(submit));
      const watching = recordAll(gateways, [...ids, ...ids]);
      for (let round = 0; round < ROUNDS; round += 1) {
        await setTimeout(random() * 1_000);
        const doomed = oneOf(fleet.gateways, random);
        if (doomed && fleet.gateways.length > 1) fleet.end(doomed);
        await until(() => fleet.gateways.length === 2);
      }

      const records = await watching;
      const log = await checkLedger(system.nats.url, ids);
      checkRecords(log, records);
      const resumed = records.reduce((sum, seen) => sum + seen.resumed, 0);
      figure("watches resumed", resumed);
      expect(resumed).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});
