import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import { onAbort } from "#lib/async/abort.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import { type Listening, type SeenEvent, Tail } from "#lib/broker/log/tail.ts";
import { fenceOf, timesOfWaiting } from "#lib/broker/queues/waiting.ts";
import { adopt } from "./adopt.ts";
import type { Chore } from "./chore.ts";
import type { JanitorFigures } from "./figures.ts";

const NAME = "orphans";
const EVERY_MS = 5_000;
/** Whoever wrote the event, and still lives, has placed the task long before. */
const ORPHAN_AFTER_MS = 15_000;

interface AdoptOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly figures: JanitorFigures;
  /** Where it hears of tasks; none: it reads of all of them. */
  readonly listening?: Listening;
  /** How long after its last event a task is looked for; default: 15 s. */
  readonly ageMs?: number;
}

/**
 * Finds tasks that have not ended and wait nowhere, and places them. Whoever wrote the last event of such a task died
 * before it gave the task its place; or the queue was lost, and made anew. Those that have their place, or run, get the
 * time limits that were lost with the schedule. Twice is as good as once: a queue takes a task once, what is written of
 * it is compare-and-set, and an entry too many is let go of by whoever gets it.
 */
export function adoptOrphans(options: AdoptOptions): Chore {
  const { broker, listening, ageMs = ORPHAN_AFTER_MS } = options;
  let heard: Tail | undefined;
  const tail = () => heard;
  const cursors = [
    broker.placeCursor({ name: NAME, facet: "spec", ageMs, tail }),
    broker.placeCursor({ name: `${NAME}-changed`, facet: "state", ageMs, tail }),
  ];
  // For as long as this gateway does the chore.
  const listen = (signal: AbortSignal) => {
    if (heard || listening?.cursor === undefined || signal.aborted) return;
    heard = new Tail(listening);
    onAbort(signal, () => {
      heard?.[Symbol.dispose]();
      heard = undefined;
    });
  };
  return {
    name: NAME,
    everyMs: EVERY_MS,
    async pass(signal) {
      listen(signal);
      for (const cursor of cursors) {
        await cursor.pass((events) => adoptAmong(events, options), signal);
      }
    },
  };
}

/** Mostly all of them have gone on or ended long since, and one request says so. */
async function adoptAmong(
  events: readonly SeenEvent[],
  { broker, log, figures }: AdoptOptions,
): Promise<void> {
  const newest = new Map(events.map((event) => [event.taskId, event]));
  const open = [...newest.values()].filter(({ isEnd }) => !isEnd);
  const waiting = await broker.whereabouts.unchangedSince(open);
  await restoreLimits(waiting, { broker, log });
  const { nowhere, queueGone } = await broker.whereabouts.missing(waiting);
  for (const { taskId } of nowhere) {
    if (!(await adopt(broker, taskId))) continue;
    figures.enqueuedOrphan();
    log.warn({ taskId }, "found a task that waited nowhere, and placed it");
  }
  for (const { taskId, spec } of queueGone) {
    figures.failed(NAME);
    log.error({ taskId, queue: spec?.queue }, "the queue of a task is gone; it will expire");
  }
}

async function restoreLimits(
  tasks: readonly WaitingTask[],
  { broker, log }: Pick<AdoptOptions, "broker" | "log">,
): Promise<void> {
  const nowMs = broker.clock.nowMs();
  const limited = tasks.map((task) => {
    const { expireMs, deadlineMs } = timesOfWaiting(task, nowMs);
    // One that has started does not expire.
    const times = { expireMs: task.last?.startTime ? undefined : expireMs, deadlineMs };
    return { run: fenceOf(task), times };
  });
  const limits = await broker.timeLimits.restore(limited);
  if (limits > 0) log.warn({ limits }, "found time limits that were not set, and set them");
}
