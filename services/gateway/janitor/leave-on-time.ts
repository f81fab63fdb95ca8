import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { decodeEvent } from "#lib/broker/log/event-codec.ts";
import type { LogWalk } from "#lib/broker/log/log-walk.ts";
import { isGone } from "#lib/task/life.ts";
import { leavesAtMs } from "#lib/task/retention.ts";
import type { Chore } from "./chore.ts";
import { type Due, DueTasks } from "./due-tasks.ts";
import type { JanitorFigures } from "./figures.ts";
import { type Ended, removeEnded } from "./remove-ended.ts";

const EVERY_MS = 1_000;
const READ_AT_ONCE = 1_000;
/** Tasks whose specs are read again at once; each may have 64 KiB. */
const LOOKED_AT_ONCE = 128;

interface LeaveOptions {
  readonly broker: Broker;
  readonly figures: JanitorFigures;
}

/**
 * Takes tasks out of the log whose `keep_for` is over. Whoever comes to do this reads all specs once, and remembers
 * those that have one; so nothing has to be kept for whoever goes on. Without a `keep_for` a task leaves with its spec,
 * when the broker drops what is as old as the history.
 */
export function leaveOnTime({ broker, figures }: LeaveOptions): Chore {
  const tasks = new KeptTasks(broker);
  return {
    name: "keep_for",
    everyMs: EVERY_MS,
    async pass(signal) {
      await tasks.readNew(signal);
      const due = tasks.takeDue();
      try {
        while (due.length > 0 && !signal.aborted) {
          const { over, early } = await tasks.look(due.slice(0, LOOKED_AT_ONCE));
          const left = new Set(await removeEnded(broker, over));
          figures.tasksLeft("keep_for", left.size);
          tasks.addAll(early);
          // They were started again at this moment.
          tasks.putBack(over.filter(({ end }) => !left.has(end.taskId)).map((one) => one.due));
          due.splice(0, LOOKED_AT_ONCE);
        }
      } finally {
        // What could not leave comes last, lest it hold up the others.
        tasks.putBack([...due.slice(LOOKED_AT_ONCE), ...due.slice(0, LOOKED_AT_ONCE)]);
      }
    },
  };
}

/** What is to be done with tasks whose time had come. */
interface Looked {
  readonly over: readonly Over[];
  /** They have not ended, or later than could be known. */
  readonly early: readonly Later[];
}

interface Over extends Ended {
  readonly due: Due;
}

interface Later {
  readonly due: Due;
  readonly atMs: number;
}

/** Tasks that have a `keep_for`, by when it may be over. */
class KeptTasks {
  readonly #broker: Broker;
  readonly #walk: LogWalk;
  readonly #tasks = new DueTasks();
  #begun = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#walk = broker.logWalk("spec");
  }

  /** Reads the specs that came in since. */
  async readNew(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const specs = await this.#walk.next(READ_AT_ONCE);
      // It began with the oldest again.
      if (this.#begun !== this.#walk.begun) this.#tasks.clear();
      this.#begun = this.#walk.begun;
      if (specs.length === 0) return;
      for (const spec of specs) this.#remember(decodeEvent(spec));
    }
  }

  takeDue(): Due[] {
    return this.#tasks.takeDue(this.#broker.clock.nowMs());
  }

  /** Those that are not among the answers are gone. */
  async look(some: readonly Due[]): Promise<Looked> {
    const ids = some.map(({ taskId }) => taskId);
    const newest = await this.#broker.scan.newest(ids, ["spec", "state"]);
    const nowMs = this.#broker.clock.nowMs();
    const over: Over[] = [];
    const early: Later[] = [];
    for (const due of some) {
      const leave = leaveOf(due, newest.get(due.taskId) ?? [], nowMs);
      if (!leave) continue;
      const { last: end, atMs } = leave;
      if (end && atMs <= nowMs) over.push({ due, specSequence: Number(due.specSequence), end });
      else early.push({ due, atMs });
    }
    return { over, early };
  }

  addAll(some: readonly Later[]): void {
    for (const { due, atMs } of some) this.#tasks.add(due, atMs);
  }

  /** Those that have not left come again with the next pass. */
  putBack(some: readonly Due[]): void {
    const atMs = this.#broker.clock.nowMs();
    this.addAll(some.map((due) => ({ due, atMs })));
  }

  #remember(spec: TaskEvent | undefined): void {
    if (!spec?.time) return;
    const { taskId, sequence: specSequence } = spec;
    const mayLeaveMs = leavesAtMs({ spec, last: undefined }, timestampMs(spec.time));
    if (mayLeaveMs !== undefined) this.#tasks.add({ taskId, specSequence }, mayLeaveMs);
  }
}

/** When it leaves, by its last event; undefined: it is gone, if perhaps not all of it, or another task has its id. */
function leaveOf({ specSequence }: Due, events: readonly TaskEvent[], nowMs: number) {
  const spec = events.find(({ sequence }) => sequence === specSequence);
  const last = events.find(({ sequence }) => sequence > specSequence);
  if (last?.facet.case === "state" && isGone(last.facet.value)) return undefined;
  const atMs = spec && leavesAtMs({ spec, last }, nowMs);
  return atMs === undefined ? undefined : { last, atMs };
}
