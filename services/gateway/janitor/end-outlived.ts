import pLimit from "p-limit";
import type { StateChange } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import type { SeenEvent } from "#lib/broker/log/tail.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { longestLifeMs, outlived } from "#lib/task/outlived.ts";
import { clearAway } from "../clear-away.ts";
import { DONE, inTurns } from "../in-turns.ts";
import type { Chore } from "./chore.ts";
import type { JanitorFigures } from "./figures.ts";

const NAME = "outlived";
const EVERY_MS = 60_000;
const ENDED_AT_ONCE = 16;

interface EndOutlivedOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly figures: JanitorFigures;
  /** How long an event is kept. */
  readonly historyMs: number;
}

/**
 * Ends tasks that have not ended by the time when the log is about to forget their specs, so that no task vanishes
 * without an end. Events are forgotten one by one as they come of age; those that a task leaves behind, such as this end
 * or late progress, expire later by themselves, and without their spec nobody takes them for a task. Ending a task twice
 * is impossible: the end is appended by compare-and-set.
 */
export function endOutlived(options: EndOutlivedOptions): Chore {
  const cursor = options.broker.logCursor({
    name: NAME,
    facet: "spec",
    ageMs: longestLifeMs(options.historyMs),
  });
  return {
    name: NAME,
    everyMs: EVERY_MS,
    pass: (signal) => cursor.pass((specs, nowMs) => endAmong(specs, nowMs, options), signal),
  };
}

async function endAmong(
  specs: readonly SeenEvent[],
  nowMs: number,
  options: EndOutlivedOptions,
): Promise<void> {
  const changes = await options.broker.whereabouts.lastChanges(specs.map(({ taskId }) => taskId));
  const hasEnded = (last: StateChange | undefined) => last !== undefined && isTerminal(last.state);
  const open = specs.filter(({ taskId }) => !hasEnded(changes.get(taskId)));
  await pLimit(ENDED_AT_ONCE).map(open, ({ taskId }) => endIfOutlived(taskId, nowMs, options));
}

async function endIfOutlived(
  taskId: string,
  nowMs: number,
  options: EndOutlivedOptions,
): Promise<void> {
  const { broker, log, figures, historyMs } = options;
  await inTurns(taskId, async () => {
    const standing = await broker.log.read(taskId);
    if (!standing) return DONE;
    const { task, last, fence } = standing;
    const end = outlived(task, last, { nowMs, historyMs });
    if (!end) return DONE;
    const appended = await broker.log.append(fence, end);
    if (appended.kind === "conflict") return undefined;
    const state = stateName(end.state);
    figures.endedOutlived(state);
    log.warn({ taskId, state }, "ended a task that the log was about to forget");
    await clearAway(broker, waitingOf(standing));
    return DONE;
  });
}
