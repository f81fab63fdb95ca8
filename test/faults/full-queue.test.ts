import { setTimeout } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { type Gateway, System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";

const TASKS = sized({ short: 200, long: 3_000 });
const QUEUE_LIMIT = 12;
/** A caller that was refused asks again at once, so often, and then gives up. */
const ASKS = 6;
/** The callers' submits of one task are at most so far apart. */
const APART_MS = 3;
/** Tasks that each caller submits at once. */
const LANES = 20;

interface Callers {
  readonly gateways: readonly Gateway[];
  readonly count: number;
  readonly random: () => number;
}

/** Every caller submits every task at about the same time as the others. Says which tasks any of them was told OK for. */
async function submitTogether({ gateways, count, random }: Callers) {
  const tasks = Array.from({ length: TASKS }, (_, index) => ({
    taskId: `task-${index}`,
    spec: { input: scriptOf({ steps: 1, idleMs: 10 + Math.round(random() * 40) }) },
  }));
  const accepted = new Set<string>();
  let refusals = 0;
  const submit = async (gateway: Gateway, task: (typeof tasks)[number]) => {
    for (let asks = 0; asks < ASKS; asks += 1) {
      await setTimeout(random() * APART_MS);
      try {
        await gateway.client.submitTask(task);
        return accepted.add(task.taskId);
      } catch (error) {
        if (ConnectError.from(error).code !== Code.ResourceExhausted) throw error;
        refusals += 1;
      }
    }
    return accepted;
  };
  const lane = async (gateway: Gateway, left: typeof tasks) => {
    for (let task = left.shift(); task; task = left.shift()) await submit(gateway, task);
  };
  const callers = Array.from({ length: count }, (_, index) => {
    const left = [...tasks];
    const gateway = gateways[index % gateways.length] as Gateway;
    return Promise.all(Array.from({ length: LANES }, () => lane(gateway, left)));
  });
  await Promise.all(callers);
  return { accepted, refusals };
}

describe.each([
  { gateways: 1, callers: 2 },
  { gateways: 3, callers: 6 },
])("a full queue, $gateways gateways, $callers callers", (size) => {
  faultRow(
    "each task that any of the callers of the same submits was told OK for runs once, and ends",
    async ({ random, figure }) => {
      await using system = await System.start({ MILLRACE_QUEUE_MAX_TASKS: String(QUEUE_LIMIT) });
      const starting = Array.from({ length: size.gateways }, () => system.gateway());
      const gateways = await Promise.all(starting);
      await system.worker({ MILLRACE_WORKER_CONCURRENCY: "2" });
      await Promise.all(gateways.map((gateway) => typesKnown(gateway)));
      await using live = new LiveLog(system.nats.url);

      const callers = { gateways, count: size.callers, random };
      const { accepted, refusals } = await submitTogether(callers);
      figure("accepted", `${accepted.size} of ${TASKS} tasks, with ${refusals} refusals`);
      expect(refusals).toBeGreaterThan(0);

      await live.allEnded(accepted, sized({ short: 60_000, long: 600_000 }));
      const log = await checkLedger(system.nats.url, accepted);
      for (const id of accepted) {
        const states = statesOf(log.get(id) ?? []).filter((state) => state !== "QUEUED 0");
        expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
      }
    },
    sized({ short: 120_000, long: 1_200_000 }),
  );
});
