import { setTimeout } from "node:timers/promises";
import { describe, expect } from "vitest";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { Fleet, oneOf } from "#test/support/fleet.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { type Seen, watchPatiently } from "#test/support/patient-watch.ts";
import { type Gateway, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { checkRecords, turned } from "#test/support/watch-records.ts";

const ROUNDS = sized({ short: 3, long: 50 });
const LIMIT_MS = sized({ short: 150_000, long: 1_200_000 });
/** The janitor takes up a task half a minute after its submit, and the next time that it looks. */
const TAKEN_UP_MS = 60_000;
const SUBMITS = 120;
const CALLERS = 20;
/** Tasks that are watched, twice each; as many as two workers run at once. */
const WATCHED = 12;
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
      // Nobody asks for them any more, and they run all the same.
      const written = abandoned.filter((id) => known.has(id));
      await live.allEnded(written, TAKEN_UP_MS);
      figure("submits", `${accepted.length + abandoned.length}, of which repeated ${repeated}`);
      figure("never repeated", `${abandoned.length}, of which in the log ${written.length}`);
      const log = await checkLedger(system.nats.url, [...accepted, ...written]);
      for (const id of [...accepted, ...written]) {
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
      let resumed = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        await using gate = await openGate();
        const ids = Array.from({ length: WATCHED }, (_, index) => `round-${round}-${index}`);
        const script = { steps: 5, idleMs: 500, gate: gate.url, stepsAfterGate: 5 };
        for (const id of ids) await submitPatiently(gateways, id, script);
        const records: Seen[] = [...ids, ...ids].map(() => ({ events: [], resumed: 0 }));
        const watching = [...ids, ...ids].map((id, index) =>
          watchPatiently(() => turned(fleet.gateways, index), id, records[index]),
        );
        await until(() => records.every(({ events }) => events.length > 0));
        await setTimeout(random() * 1_000);
        fleet.end(oneOf(fleet.gateways, random) as Gateway);
        await until(() => records.some((seen) => seen.resumed > 0));
        for (const _ of ids) await gate.arrived();
        gate.open();
        await Promise.all(watching);

        checkRecords(await checkLedger(system.nats.url, ids), records);
        resumed += records.filter((seen) => seen.resumed > 0).length;
        await until(() => fleet.gateways.length === 2);
      }
      figure("watches resumed", `${resumed} of ${2 * WATCHED * ROUNDS}`);
    },
    LIMIT_MS,
  );
});
