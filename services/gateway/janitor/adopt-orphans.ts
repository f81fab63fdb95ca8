import type { StateChange } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import { isTerminal } from "#lib/task/life.ts";
import { adopt } from "./adopt.ts";
import type { Chore } from "./chore.ts";
import type { JanitorFigures } from "./figures.ts";

const NAME = "orphans";
const EVERY_MS = 5_000;
/** A submit that still runs has its task in the queue long before. */
const ORPHAN_AFTER_MS = 15_000;

interface AdoptOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly figures: JanitorFigures;
  /** How long after it was accepted a task is looked for; default: 15 s. */
  readonly ageMs?: number;
}

/**
 * Finds tasks that have not ended and wait nowhere, and enqueues them. Either the gateway that accepted them died before it
 * did; or their queue was lost, and made anew. Twice is as good as once: a queue takes a task once, what is written of it is
 * compare-and-set, and an entry too many is let go of by whoever gets it.
 */
export function adoptOrphans(options: AdoptOptions): Chore {
  const cursor = options.broker.placeCursor(NAME, options.ageMs ?? ORPHAN_AFTER_MS);
  return {
    name: NAME,
    everyMs: EVERY_MS,
    pass: (signal) => cursor.pass((tasks) => adoptAmong(tasks, options), signal),
  };
}

/** Mostly all of them have ended long since, and one request says so. */
async function adoptAmong(
  tasks: readonly WaitingTask[],
  { broker, log, figures }: AdoptOptions,
): Promise<void> {
  const changes = await broker.whereabouts.lastChanges(tasks);
  const open = tasks.filter(({ taskId }) => !hasEnded(changes.get(taskId)));
  const { nowhere, queueGone } = await broker.whereabouts.missing(open);
  for (const { taskId } of nowhere) {
    if (!(await adopt(broker, taskId))) continue;
    figures.enqueuedOrphan();
    log.warn({ taskId }, "found a task that waited nowhere, and enqueued it");
  }
  for (const { taskId, spec } of queueGone) {
    figures.failed(NAME);
    log.error({ taskId, queue: spec?.queue }, "the queue of a task is gone; it will expire");
  }
}

function hasEnded(last: StateChange | undefined): boolean {
  return last !== undefined && isTerminal(last.state);
}
