import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { aborted } from "#lib/async/abort.ts";
import { Merge } from "#lib/async/merge.ts";
import { Semaphore } from "#lib/async/semaphore.ts";
import { SequenceUnknown, TaskNotFound, TooManyTasks, WatcherTooSlow } from "#lib/task/errors.ts";
import { fold } from "#lib/task/fold.ts";
import { bearsLabels, type Labels } from "#lib/task/labels.ts";
import { isTerminalEvent } from "#lib/task/life.ts";
import { follow, join, type Logs, type Wanted, type WatchStep } from "./watch-steps.ts";
import { MAX_BEHIND, Watcher } from "./watcher.ts";
import type { Watchers } from "./watchers.ts";

/** Tasks whose history is read at once. */
const MAX_JOINING = 16;

/** Tasks that one stream follows at once. */
const MAX_FOLLOWED = 10_000;

/** Events that the tasks of one stream may be behind in all; each has its share. */
const MAX_BEHIND_IN_ALL = 64 * MAX_BEHIND;
const MIN_BEHIND = 64;

export interface WantedTasks {
  readonly tasks: readonly Wanted[];
  /** Besides, every task that bears all of these; none = no others. */
  readonly labels: Labels;
}

/** A step of one of many tasks, or why one can't be watched. */
export type ManyWatchStep =
  | WatchStep
  | { case: "failure"; value: { readonly taskId: string; readonly error: Error } };

interface Parts extends Logs {
  readonly watchers: Watchers;
  /** Sequence of the last event that the watchers have got. */
  readonly cursor: () => number;
}

interface Opened extends Disposable {
  readonly watcher: Watcher;
}

type Steps = AsyncGenerator<ManyWatchStep>;

function isOfOneTask(error: unknown): error is Error {
  return [TaskNotFound, WatcherTooSlow, SequenceUnknown].some((kind) => error instanceof kind);
}

/** A watch of many tasks on one stream. What each of them costs is a watcher, and nothing that runs by itself. */
export class ManyWatch implements Disposable {
  readonly #parts: Parts;
  readonly #wanted: WantedTasks;
  readonly #listed: ReadonlySet<string>;
  /** Those of the listed ones that are not there: should they come, they are new. */
  readonly #missing = new Set<string>();
  readonly #watchers = new Set<Watcher>();
  readonly #joining = new Semaphore(MAX_JOINING);
  readonly #steps = new Merge<ManyWatchStep>();
  readonly #leaving = new AbortController();

  constructor(parts: Parts, wanted: WantedTasks) {
    this.#parts = parts;
    this.#wanted = wanted;
    this.#listed = new Set(wanted.tasks.map(({ taskId }) => taskId));
  }

  steps(): Steps {
    for (const task of this.#wanted.tasks) this.#add(task.taskId, this.#watchKnown(task));
    if (Object.keys(this.#wanted.labels).length > 0) this.#steps.add(this.#watchMatching());
    return this.#steps.items();
  }

  [Symbol.dispose](): void {
    this.#leaving.abort();
    for (const watcher of this.#watchers) watcher[Symbol.dispose]();
    this.#steps[Symbol.dispose]();
  }

  #add(taskId: string, steps: Steps): void {
    if (this.#steps.size >= MAX_FOLLOWED) this.#steps.fail(new TooManyTasks(MAX_FOLLOWED));
    else this.#steps.add(this.#asOneOfMany(taskId, steps));
  }

  /** What is wrong with one task does not end the others' watch. */
  async *#asOneOfMany(taskId: string, steps: Steps): Steps {
    try {
      yield* steps;
    } catch (error) {
      if (!isOfOneTask(error)) throw error;
      const isMissing = error instanceof TaskNotFound;
      if (isMissing) this.#missing.add(taskId);
      // One that was found by its labels, and deleted meanwhile, nobody has asked for.
      if (isMissing && !this.#listed.has(taskId)) return;
      yield { case: "failure", value: { taskId, error } };
    }
  }

  async *#watchKnown(wanted: Wanted): Steps {
    using joining = await this.#joining.take();
    if (this.#leaving.signal.aborted) return;
    using opened = this.#open(wanted.taskId);
    const ended = yield* join(this.#parts, wanted, opened.watcher);
    joining[Symbol.dispose]();
    if (!ended) yield* follow(opened.watcher);
  }

  async *#watchNew(spec: TaskEvent): Steps {
    using opened = this.#open(spec.taskId);
    opened.watcher.isOf(spec.sequence);
    opened.watcher.push(spec);
    const task = fold([spec]);
    if (task) yield { case: "snapshot", value: task };
    yield* follow(opened.watcher);
  }

  /**
   * Brings nothing itself, but adds a watch for every task that bears the labels. What the watchers have got until now is
   * looked up in the log; what they get from now on tells of every new one: no gap, and no task twice.
   */
  async *#watchMatching(): Steps {
    const { signal } = this.#leaving;
    using _ = this.#parts.watchers.addNewcomers({
      onSpec: (event) => this.#isWanted(event) && this.#add(event.taskId, this.#watchNew(event)),
      fail: (error) => this.#steps.fail(error),
    });
    const sought = { after: 0, head: this.#parts.cursor(), isWanted: this.#isWanted, signal };
    for await (const { picked } of this.#parts.scan.events({ facet: "spec", ...sought })) {
      for (const { taskId, sequence: specSequence } of await this.#notEnded(picked)) {
        // One that has got the id since is heard of as a new one.
        this.#add(taskId, this.#watchKnown({ taskId, afterSequence: 0n, specSequence }));
      }
    }
    await aborted(signal);
  }

  async #notEnded(specs: readonly TaskEvent[]): Promise<TaskEvent[]> {
    const taskIds = specs.map(({ taskId }) => taskId);
    const states = await this.#parts.scan.newest(taskIds, ["state"]);
    return specs.filter(({ taskId, sequence }) => {
      const [state] = states.get(taskId) ?? [];
      // An older one is of a task that had the id before.
      return !(state && state.sequence > sequence && isTerminalEvent(state));
    });
  }

  readonly #isWanted = ({ facet, taskId }: TaskEvent): boolean => {
    if (this.#listed.has(taskId) && !this.#missing.has(taskId)) return false;
    return facet.case === "spec" && bearsLabels(facet.value.labels, this.#wanted.labels);
  };

  #open(taskId: string): Opened {
    const watcher = new Watcher(() => this.#share());
    using opening = new DisposableStack();
    opening.use(this.#parts.watchers.add(taskId, watcher));
    opening.defer(() => this.#watchers.delete(watcher));
    this.#watchers.add(watcher);
    const opened = opening.move();
    return { watcher, [Symbol.dispose]: () => opened.dispose() };
  }

  #share(): number {
    const share = Math.floor(MAX_BEHIND_IN_ALL / this.#steps.size);
    return Math.max(MIN_BEHIND, Math.min(MAX_BEHIND, share));
  }
}
