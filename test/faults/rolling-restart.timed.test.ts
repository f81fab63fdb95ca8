import { setTimeout } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { type Gateway, System, scriptOf, typesKnown } from "#test/support/system.ts";
import { checkRecords, recordAll } from "#test/support/watch-records.ts";

const ROUNDS = sized({ short: 1, long: 10 });
const LIMIT_MS = sized({ short: 90_000, long: 900_000 });
const GRACE_MS = 2_000;
const SUBMIT_EVERY_MS = 50;
/** One in so many tasks takes longer than the grace, and so is handed on. */
const LONG = 20;

type Worker = Awaited<ReturnType<System["worker"]>>;

/** Two gateways and two workers, replaced one after the other as an upgrade does it. */
class Upgrade {
  readonly #system: System;
  gateways: Gateway[] = [];
  #workers: Worker[] = [];

  constructor(system: System) {
    this.#system = system;
  }

  async begin(): Promise<void> {
    this.gateways = await Promise.all([this.#system.gateway(), this.#system.gateway()]);
    this.#workers = await Promise.all([this.#system.worker(), this.#system.worker()]);
    await Promise.all(this.gateways.map(typesKnown));
  }

  /** Each once, some replaced before they leave and some after. */
  async roll(random: () => number): Promise<void> {
    for (const gateway of [...this.gateways]) {
      const add = async () => this.gateways.push(await this.#system.gateway());
      await replace(gateway, random() < 0.5 ? "before" : "after", add);
      this.gateways = this.gateways.filter((other) => other !== gateway);
    }
    for (const worker of [...this.#workers]) {
      const add = async () => this.#workers.push(await this.#system.worker());
      await replace(worker, random() < 0.5 ? "before" : "after", add);
      this.#workers = this.#workers.filter((other) => other !== worker);
    }
  }
}

async function replace(
  { service }: Gateway | Worker,
  when: "before" | "after",
  add: () => Promise<unknown>,
): Promise<void> {
  if (when === "before") await add();
  service.kill("SIGTERM");
  expect(await service.exited).toBe(0);
  if (when === "after") await add();
}

/** Asks one gateway, and if that one can't, the other one. */
async function submitTwice(gateways: readonly Gateway[], taskId: string, idleMs: number) {
  const [first, second] = gateways as [Gateway, Gateway];
  const request = { taskId, spec: { input: scriptOf({ steps: 2, idleMs }) } };
  await first.client.submitTask(request).catch((error: unknown) => {
    if (!second) throw error;
    return second.client.submitTask(request);
  });
}

/** How long the task waited each time, in milliseconds: until its first attempt, and after each that was interrupted. */
function waitsOf(history: readonly TaskEvent[]): number[] {
  let waitingSince: number | undefined;
  return history.flatMap(({ facet, time }) => {
    const atMs = time ? timestampMs(time) : 0;
    const state = facet.case === "state" ? facet.value.state : undefined;
    if (facet.case === "spec" || state === TaskState.QUEUED) waitingSince ??= atMs;
    if (state !== TaskState.RUNNING || waitingSince === undefined) return [];
    const waitedMs = atMs - waitingSince;
    waitingSince = undefined;
    return [waitedMs];
  });
}

faultRow(
  "a rolling restart under load fails no submit, costs no retry and no crash, and lets nothing wait",
  async ({ random, figure }) => {
    await using system = await System.start({ MILLRACE_LEAVE_GRACE_MS: String(GRACE_MS) });
    await using live = new LiveLog(system.nats.url);
    const upgrade = new Upgrade(system);
    await upgrade.begin();
    const accepted: string[] = [];
    let over = false;
    const load = (async () => {
      for (let index = 0; !over; index += 1) {
        const idleMs = index % LONG === 0 ? 2 * GRACE_MS : 50 + random() * 500;
        const { gateways } = upgrade;
        const turned = index % 2 === 0 ? gateways : gateways.toReversed();
        await submitTwice(turned, `task-${index}`, idleMs);
        accepted.push(`task-${index}`);
        await setTimeout(SUBMIT_EVERY_MS);
      }
    })();
    const failed = new Promise<never>((_, reject) => load.catch(reject));
    const watched = Array.from({ length: 10 }, (_, index) => `task-${index * 3}`);
    await Promise.race([live.allBegun(watched, 30_000), failed]);
    const watching = recordAll(() => upgrade.gateways, watched);
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.race([upgrade.roll(random), failed]);
    }
    over = true;
    await load;
    await live.allEnded(accepted, 60_000);

    const log = await checkLedger(system.nats.url, accepted);
    checkRecords(log, await watching);
    const ends = accepted.map((id) => log.get(id)?.at(-1)?.facet.value);
    expect(ends.filter((end) => !isUnharmed(end))).toEqual([]);
    const waits = accepted.flatMap((id) => waitsOf(log.get(id) ?? []));
    figure("submits", accepted.length);
    figure("attempts handed on", waits.length - accepted.length);
    figure("longest wait", `${Math.max(...waits)} ms`);
    expect(Math.max(...waits)).toBeLessThan(GRACE_MS);
  },
  LIMIT_MS,
);

function isUnharmed(end: TaskEvent["facet"]["value"]): boolean {
  if (end?.$typeName !== "millrace.v1.StateChange") return false;
  return end.state === TaskState.SUCCEEDED && end.crashes === 0 && end.failures === 0;
}
