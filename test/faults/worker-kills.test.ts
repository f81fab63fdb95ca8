import { setTimeout } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { Fleet, oneOf } from "#test/support/fleet.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import { System } from "#test/support/system.ts";
import { checkRecords, recordAll } from "#test/support/watch-records.ts";

const TASKS = sized({ short: 400, long: 10_000 });
const WORKERS = sized({ short: 4, long: 6 });
const KILL_EVERY_MS = 500;
const STORM_MS = sized({ short: 8_000, long: Number.POSITIVE_INFINITY });
const MIN_KILLED_BUSY = 3;
const LIMIT_MS = sized({ short: 120_000, long: 1_800_000 });
/** One in so many tasks is watched. */
const WATCHED = 20;
/**
 * A worker may also be killed between taking a task and beginning it: that costs the task a lease once more, and on a slow
 * machine twice. And many of those that take over are killed.
 */
const SHARE_IN_TIME = 0.5;
const LONGEST_MS = sized({ short: 30_000, long: 90_000 });

/** How long each task of a killed worker waited for its next attempt, in milliseconds. */
function waitsOf(log: ReadonlyMap<string, TaskEvent[]>, killedAt: ReadonlyMap<string, number>) {
  return [...log.values()].flatMap((history) => {
    const starts = history.flatMap(({ facet, time }) =>
      facet.case === "state" && facet.value.state === TaskState.RUNNING && time
        ? [{ workerId: facet.value.workerId, atMs: timestampMs(time) }]
        : [],
    );
    return starts.slice(1).flatMap(({ atMs }, index) => {
      const killedMs = killedAt.get(starts[index]?.workerId ?? "");
      return killedMs === undefined ? [] : [Math.max(0, atMs - killedMs)];
    });
  });
}

faultRow(
  "no task is lost, and none waits long, while a random worker is killed every 500 ms",
  async ({ random, figure }) => {
    await using system = await System.start({ MILLRACE_MAX_CRASHES: "1000" });
    await using fleet = await Fleet.start(system, { gateways: 1, workers: WORKERS });
    await using live = new LiveLog(system.nats.url);
    const gateways = () => fleet.gateways;
    const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
    const lengths = ids.map(() => 50 + Math.round(random() * 600));
    const startedAt = Date.now();
    const killedAt = new Map<string, number>();

    const submitting = Promise.all(
      ids.map((id, index) =>
        submitPatiently(gateways, id, { steps: 1, idleMs: lengths[index] ?? 0 }),
      ),
    );
    const watched = ids.filter((_, index) => index % WATCHED === 0);
    await submitting;
    const watching = recordAll(gateways, watched, { withinMs: LIMIT_MS });
    let killedBusy = 0;
    const noteKilled = (victim: { readonly id: string }) => {
      if (live.isBusy(victim.id)) killedBusy += 1;
      killedAt.set(victim.id, Date.now());
    };
    // On a slow machine workers may be killed for a while before they have begun anything.
    const isEnough = () => Date.now() - startedAt > STORM_MS && killedBusy >= MIN_KILLED_BUSY;
    const rage = async () => {
      while (!isEnough() && !ids.every((id) => live.hasEnded(id))) {
        // Of two at least: there is to be progress at any time.
        const victim = fleet.workers.length > 1 ? oneOf(fleet.workers, random) : undefined;
        if (victim) {
          fleet.end(victim);
          noteKilled(victim);
        }
        await setTimeout(KILL_EVERY_MS);
      }
    };
    await rage();
    await live.allEnded(ids, 60_000);
    const tookMs = Date.now() - startedAt;

    const log = await checkLedger(system.nats.url, ids);
    checkRecords(log, await watching);
    const waits = waitsOf(log, killedAt).sort((a, b) => a - b);
    const at = (share: number) => waits[Math.floor((waits.length - 1) * share)] ?? 0;
    figure("tasks", ids.length);
    figure("until the last ended", `${tookMs} ms`);
    figure("workers killed", killedAt.size);
    figure("attempts lost", waits.length);
    figure(
      "wait for the next attempt",
      `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`,
    );
    expect(waits.length).toBeGreaterThan(0);
    expect(at(SHARE_IN_TIME)).toBeLessThan(10_000);
    expect(at(1)).toBeLessThan(LONGEST_MS);
  },
  LIMIT_MS,
);
