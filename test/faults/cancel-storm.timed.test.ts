import { setTimeout } from "node:timers/promises";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { isTerminalEvent } from "#lib/task/life.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { Fleet, oneOf } from "#test/support/fleet.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import { submitPatiently } from "#test/support/patient-submit.ts";
import type { Script } from "#test/support/scripted-worker/scripted.ts";
import { type Gateway, System, stateOf } from "#test/support/system.ts";

const TASKS = sized({ short: 300, long: 5_000 });
const LIMIT_MS = sized({ short: 90_000, long: 900_000 });
/** Time over which a task's cancels are spread, from its submit. */
const SPREAD_MS = 4_000;
/** Callers that submit and cancel, each one task at a time. */
const CALLERS = sized({ short: 100, long: 400 });

type Answer = "canceled" | "finished" | "unknown";

const ANSWERS: ReadonlyMap<Code, Answer> = new Map([
  [Code.FailedPrecondition, "finished"],
  [Code.NotFound, "unknown"],
]);

async function cancel({ client }: Gateway, taskId: string): Promise<Answer> {
  try {
    const { task } = await client.cancelTask({ taskId, reason: "storm" });
    expect(task?.state).toBe(TaskState.CANCELED);
    return "canceled";
  } catch (error) {
    const answer = ANSWERS.get(ConnectError.from(error).code);
    if (!answer) throw error;
    return answer;
  }
}

/** Ends at once, runs for a while, or waits for its retry; what does not fit into the workers waits in the queue. */
function scriptBy(random: () => number): Script {
  const kind = random();
  if (kind < 0.4) return { steps: 1, idleMs: random() * 100 };
  if (kind < 0.8) return { steps: 4, idleMs: random() * 4_000 };
  return { steps: 1, failures: 2, idleMs: random() * 300 };
}

class Storm {
  readonly answers = new Map<string, Answer[]>();
  readonly #fleet: Fleet;
  readonly #random: () => number;

  constructor(fleet: Fleet, random: () => number) {
    this.#fleet = fleet;
    this.#random = random;
  }

  /** One task's whole trouble: submitted, then canceled once, or twice at once, or not at all. */
  async trouble(taskId: string): Promise<void> {
    await submitPatiently(() => this.#fleet.gateways, taskId, scriptBy(this.#random));
    const times = Math.floor(this.#random() * 2.5);
    await setTimeout(this.#random() * SPREAD_MS);
    await Promise.all(Array.from({ length: times }, () => this.#cancel(taskId)));
    if (this.#random() < 0.1) expect(await this.#cancel(`no-${taskId}`)).toBe("unknown");
  }

  async #cancel(taskId: string): Promise<Answer> {
    const gateway = oneOf(this.#fleet.gateways, this.#random) as Gateway;
    const answer = await cancel(gateway, taskId);
    this.answers.set(taskId, [...(this.answers.get(taskId) ?? []), answer]);
    return answer;
  }
}

/** What a task's answers say must be how it ended. */
function contradictions(storm: Storm, ids: readonly string[], log: Map<string, TaskEvent[]>) {
  return ids.flatMap((id) => {
    const canceled = stateOf(log.get(id)?.at(-1)) === TaskState.CANCELED;
    const answers = storm.answers.get(id) ?? [];
    return answers
      .filter((answer) => answer !== (canceled ? "canceled" : "finished"))
      .map((answer) => `${id} was said to be ${answer}`);
  });
}

/** How long each running handler took to end after its task was canceled, in milliseconds. */
function delaysOf(fleet: Fleet, log: Map<string, TaskEvent[]>): number[] {
  const ends = fleet.workers
    .flatMap(({ service }) => service.entries)
    .filter((entry) => entry["msg"] === "attempt ended" && entry["outcome"] === "canceled");
  return ends.flatMap(({ taskId, time }) => {
    const canceledAt = log.get(String(taskId))?.find(isTerminalEvent)?.time;
    return canceledAt ? [Number(time) - timestampMs(canceledAt)] : [];
  });
}

faultRow(
  "in a storm of cancels every task ends once, as each cancel's answer said, and running ones stop within a second",
  async ({ random, figure }) => {
    await using system = await System.start();
    await using fleet = await Fleet.start(system, { gateways: 2, workers: 2 });
    await using live = new LiveLog(system.nats.url);
    const storm = new Storm(fleet, random);
    const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
    const left = [...ids];
    const caller = async () => {
      for (let id = left.shift(); id; id = left.shift()) await storm.trouble(id);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await live.allEnded(ids, LIMIT_MS);

    const log = await checkLedger(system.nats.url, ids);
    expect(contradictions(storm, ids, log)).toEqual([]);
    const strangers = [...log.keys()].filter((id) => id.startsWith("no-"));
    expect(strangers).toEqual([]);
    const endings = ids.map((id) => stateOf(log.get(id)?.at(-1)));
    const canceled = endings.filter((state) => state === TaskState.CANCELED).length;
    const delays = delaysOf(fleet, log).sort((a, b) => a - b);
    const at = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? 0;
    figure("tasks", `${ids.length}, of which canceled ${canceled}, while running ${delays.length}`);
    figure("cancels answered", [...storm.answers.values()].flat().length);
    figure(
      "from cancel to the handler's end",
      `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`,
    );
    expect(delays.length).toBeGreaterThan(0);
    expect(at(0.95)).toBeLessThan(1_000);
  },
  LIMIT_MS,
);
