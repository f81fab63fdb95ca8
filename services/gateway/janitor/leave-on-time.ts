import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { onAbort } from "#lib/async/abort.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { decodeEvent, type StoredEvent } from "#lib/broker/log/event-codec.ts";
import type { LogListener } from "#lib/broker/log/log-follower.ts";
import type { LogWalk } from "#lib/broker/log/log-walk.ts";
import { hasKeepFor } from "#lib/broker/log/peek.ts";
import type { Listening } from "#lib/broker/log/tail.ts";
import { facetOf } from "#lib/broker/names.ts";
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
  /** Where it hears of tasks; none: it reads of all of them. */
  readonly listening?: Listening;
}

/**
 * Takes tasks out of the log whose `keep_for` is over. Whoever comes to do this reads all specs once, and remembers
 * those that have one; so nothing has to be kept for whoever goes on. Without a `keep_for` a task leaves with its spec,
 * when the broker drops what is as old as the history.
 */
export function leaveOnTime({ broker, figures, listening }: LeaveOptions): Chore {
  const tasks = new KeptTasks(broker, listening);
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
class KeptTasks implements LogListener {
  readonly #broker: Broker;
  readonly #listening: Listening | undefined;
  readonly #walk: LogWalk;
  readonly #tasks = new DueTasks();
  #begun = 0;
  #hearing: Disposable | undefined;
  /** From where on specs are heard of, and need not be read. */
  #heardAfter = Number.POSITIVE_INFINITY;
  /** Whether all from before that were read. */
  #isRead = false;

  constructor(broker: Broker, listening: Listening | undefined) {
    this.#broker = broker;
    this.#listening = listening;
    this.#walk = broker.logWalk("spec");
  }

  /** Reads the specs that came in since, as far as they are not heard of. */
  async readNew(signal: AbortSignal): Promise<void> {
    this.#listen(signal);
    while (!(this.#isRead || signal.aborted)) {
      const specs = await this.#walk.next(READ_AT_ONCE);
      // It began with the oldest again.
      if (this.#begun !== this.#walk.begun) this.#startOver();
      this.#begun = this.#walk.begun;
      if (specs.length === 0) return;
      const unheard = specs.filter(({ seq }) => seq <= this.#heardAfter);
      for (const spec of unheard) this.#remember(decodeEvent(spec));
      if (unheard.length < specs.length) await this.#endWalk();
    }
  }

  onStored(event: StoredEvent): void {
    if (facetOf(event.subject) === "spec" && hasKeepFor(event.data))
      this.#remember(decodeEvent(event));
  }

  onReset(): void {
    this.#isRead = false;
    this.#startOver();
    this.#walk.rewind().catch(() => {});
  }

  /** For as long as this gateway does the chore. */
  #listen(signal: AbortSignal): void {
    const cursor = this.#listening?.cursor;
    if (cursor === undefined || signal.aborted || this.#hearing) return;
    this.#heardAfter = cursor;
    this.#hearing = this.#listening?.hear(this);
    onAbort(signal, () => this.#leave());
  }

  /** Whoever goes on reads all specs. */
  #leave(): void {
    this.#hearing?.[Symbol.dispose]();
    this.#hearing = undefined;
    this.#heardAfter = Number.POSITIVE_INFINITY;
    this.#isRead = false;
    this.#tasks.clear();
    this.#walk.rewind().catch(() => {});
  }

  /** What was heard of by now is read, too. */
  #startOver(): void {
    this.#tasks.clear();
    if (this.#hearing) this.#heardAfter = this.#listening?.cursor ?? 0;
  }

  /** Something from behind was read, so that nothing from before is still to come. */
  async #endWalk(): Promise<void> {
    this.#isRead = true;
    await this.#walk.rewind();
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
