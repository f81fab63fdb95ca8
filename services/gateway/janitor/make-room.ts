import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import { decodeEvent, type StoredEvent } from "#lib/broker/log/event-codec.ts";
import type { LogUsage } from "#lib/broker/log/log-space.ts";
import type { LogWalk } from "#lib/broker/log/log-walk.ts";
import { taskIdOf } from "#lib/broker/names.ts";
import {
  fillLevelOf,
  ROOM_AGAIN,
  type Standing,
  shareTaken,
  standingOf,
} from "#lib/task/retention.ts";
import type { Chore } from "./chore.ts";
import type { JanitorFigures } from "./figures.ts";
import { NOTES, removeEnded } from "./remove-ended.ts";
import { RoomReport } from "./room-report.ts";
import { WalkedTasks } from "./walked-tasks.ts";

const EVERY_MS = 500;
/** Events read at once: a busy machine takes as long for a few as for many. At most as many as take this room. */
const READ_AT_ONCE = 2_048;
const READ_BYTES = 8 * 2 ** 20;
/** Of a small log no more than a fiftieth, lest more leaves than has to. */
const SHARE_AT_ONCE = 0.02;
const LEAST_AT_ONCE = 64;
/** Tasks that had not ended when the walk came by are looked at again after this long. */
const WALK_AGAIN_MS = 5 * 60_000;
/** To look for what has ended since takes no more than this share of the time. */
const WALKING_SHARE = 0.05;

interface RoomOptions {
  readonly broker: Broker;
  readonly log: BrokerLog;
  readonly figures: JanitorFigures;
}

/**
 * When the log is nearly full, takes out what has ended, oldest first, before its time: first progress, output and lines,
 * then whole tasks, and of these the dead letters last. A task that has not ended stays. Nothing is remembered in the
 * broker, for each walk begins with the oldest; and done twice at the same time, it finds less to do.
 */
export function makeRoom(options: RoomOptions): Chore {
  const { broker, log, figures } = options;
  const stages = [
    ...NOTES.map(
      (facet) =>
        new Stage(broker.logWalk(facet, { headersOnly: true }), (events) =>
          dropNotes(broker, events),
        ),
    ),
    dropTasks(options, ["final", "restartable"]),
    dropTasks(options, ["dead letter"]),
  ];
  const report = new RoomReport(log);
  return {
    name: "room",
    everyMs: EVERY_MS,
    async pass(signal) {
      const look = async () => {
        const usage = await broker.space.usage();
        figures.usage = usage;
        return usage;
      };
      const before = await look();
      report.usage(before);
      if (fillLevelOf(before) !== "nearly full") return;
      const leftBefore = figures.left.get("room") ?? 0;
      while (!signal.aborted && shareTaken(await look()) > ROOM_AGAIN) {
        if (!(await dropNext(stages, readAtOnce(figures.usage)))) break;
      }
      report.made(figures.usage, (figures.left.get("room") ?? 0) - leftBefore);
    },
  };
}

/** A step of the first stage that has any. Asked anew before each step, for what may go first may just have ended. */
async function dropNext(stages: readonly Stage[], atOnce: number): Promise<boolean> {
  for (const stage of stages) if (await stage.drop(atOnce)) return true;
  return false;
}

function readAtOnce(usage: LogUsage | undefined): number {
  if (!usage) return LEAST_AT_ONCE;
  const { bytes, events } = usage;
  const most = Math.min(READ_AT_ONCE, events * SHARE_AT_ONCE, (events * READ_BYTES) / bytes);
  return Math.max(LEAST_AT_ONCE, Math.floor(most));
}

/** One kind of what may leave, and how far the log was walked through for it. */
class Stage {
  readonly #walk: LogWalk;
  readonly #drop: (events: readonly StoredEvent[]) => Promise<void>;
  #begunMs = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  constructor(walk: LogWalk, drop: (events: readonly StoredEvent[]) => Promise<void>) {
    this.#walk = walk;
    this.#drop = drop;
  }

  /** Looks through the next events. False if there are none; but first looks once more for what has ended since. */
  async drop(atOnce: number): Promise<boolean> {
    const beganMs = performance.now();
    if (beganMs - this.#begunMs > WALK_AGAIN_MS) await this.#begin();
    let events = await this.#walk.next(atOnce);
    if (events.length === 0 && this.#mayBegin(beganMs)) {
      await this.#begin();
      events = await this.#walk.next(atOnce);
    }
    if (events.length > 0) await this.#drop(events);
    this.#tookMs += performance.now() - beganMs;
    return events.length > 0;
  }

  #mayBegin(nowMs: number): boolean {
    return nowMs - this.#begunMs >= this.#tookMs / WALKING_SHARE + EVERY_MS;
  }

  async #begin(): Promise<void> {
    await this.#walk.rewind();
    this.#begunMs = performance.now();
    this.#tookMs = 0;
  }
}

/** Those of tasks that have ended. What is written after a task's end is another run's. */
async function dropNotes(broker: Broker, notes: readonly StoredEvent[]): Promise<void> {
  const ends = await endsOf(broker, notes);
  const over = notes.filter(({ subject, seq }) => {
    const end = ends.get(taskIdOf(subject));
    return end !== undefined && seq < end.sequence;
  });
  await broker.log.removeEvents(over.map(({ seq }) => seq));
}

function dropTasks({ broker, figures }: RoomOptions, standings: readonly Standing[]): Stage {
  const walk = broker.logWalk();
  const tasks = new WalkedTasks();
  let begun = 0;
  return new Stage(walk, async (events) => {
    if (begun !== walk.begun) tasks.clear();
    begun = walk.begun;
    const ended = events
      .map((stored) => decodeEvent(stored))
      .map((event) => event && tasks.see(event))
      .filter((one) => one !== undefined)
      .filter(({ end }) => standings.includes(standingOf(end)));
    const left = await removeEnded(broker, ended);
    // One that was started again has another end, further on.
    for (const taskId of left) tasks.forget(taskId);
    figures.tasksLeft("room", left.length);
  });
}

/** The terminal events of the tasks that have ended. */
async function endsOf(broker: Broker, events: readonly StoredEvent[]) {
  const ids = [...new Set(events.map(({ subject }) => taskIdOf(subject)))];
  const newest = await broker.scan.newest(ids, ["state"]);
  const ends = new Map<string, TaskEvent>();
  for (const [id, [last]] of newest) if (last && standingOf(last) !== "open") ends.set(id, last);
  return ends;
}
