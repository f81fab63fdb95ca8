import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { aborted } from "#lib/async/abort.ts";
import { Merge } from "#lib/async/merge.ts";
import { Semaphore } from "#lib/async/semaphore.ts";
import { SequenceUnknown, TaskNotFound, TooManyTasks, WatcherTooSlow } from "#lib/task/errors.ts";
import { fold } from "#lib/task/fold.ts";
import { bearsLabels, type Labels } from "#lib/task/labels.ts";
import { isTerminalEvent } from "#lib/task/life.ts";
import { Following, join, type Logs, type Wanted, type WatchStep } from "./watch-steps.ts";
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

type Steps = AsyncGenerator<ManyWatchStep>;

/** What is wrong with one task does not end the others' watch; anything else does. */
function failureOf(taskId: string, error: unknown): ManyWatchStep {
  const isOfOneTask = [TaskNotFound, WatcherTooSlow, SequenceUnknown].some(
    (kind) => error instanceof kind,
  );
  if (!(isOfOneTask && error instanceof Error)) throw error;
  return { case: "failure", value: { taskId, error } };
}

/** A task that was heard of as a new one, and is told when those before it with its id have been. */
interface NewTask extends Disposable {
  readonly spec: TaskEvent;
  readonly watcher: Watcher;
}

/** A watch of many tasks on one stream. What each of them costs is a watcher, and nothing that runs by itself. */
export class ManyWatch implements Disposable {
  readonly #parts: Parts;
  readonly #wanted: WantedTasks;
  readonly #listed: ReadonlySet<string>;
  /** The ids that are followed, each with the tasks that have got it since: they are told one after the other. */
  readonly #followed = new Map<string, NewTask[]>();
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
    for (const task of this.#wanted.tasks) this.#follow(task.taskId, this.#watchListed(task));
    if (Object.keys(this.#wanted.labels).length > 0) this.#steps.add(this.#watchMatching());
    return this.#steps.items();
  }

  [Symbol.dispose](): void {
    this.#leaving.abort();
    for (const watcher of this.#watchers) watcher[Symbol.dispose]();
    for (const task of [...this.#followed.values()].flat()) task[Symbol.dispose]();
    this.#steps[Symbol.dispose]();
  }

  /** Follows the id from here on. */
  #follow(taskId: string, first: Steps): void {
    if (!this.#followed.has(taskId)) this.#followed.set(taskId, []);
    this.#steps.add(this.#followOn(taskId, first));
  }

  async *#followOn(taskId: string, first: Steps): Steps {
    yield* first;
    const waiting = this.#followed.get(taskId) ?? [];
    for (let next = waiting.shift(); next; next = waiting.shift()) yield* this.#watchNew(next);
    this.#followed.delete(taskId);
  }

  get #isFull(): boolean {
    return this.#count >= MAX_FOLLOWED;
  }

  /** Tasks that are told, or are to be. */
  get #count(): number {
    return Math.max(this.#steps.size, this.#watchers.size);
  }

  async *#watchListed(wanted: Wanted): Steps {
    const watcher = this.#newWatcher();
    try {
      yield* this.#watchKnown(wanted, watcher);
    } catch (error) {
      yield failureOf(wanted.taskId, error);
    }
    this.#forgetUpTo(wanted.taskId, watcher.specSequence ?? 0n);
  }

  async *#watchFound({ taskId, sequence: specSequence }: TaskEvent): Steps {
    const watcher = this.#newWatcher();
    try {
      yield* this.#watchKnown({ taskId, afterSequence: 0n, specSequence }, watcher);
    } catch (error) {
      const failure = failureOf(taskId, error);
      // One that was deleted before it was told of, nobody has asked for.
      if (watcher.specSequence !== undefined || !(error instanceof TaskNotFound)) yield failure;
    }
  }

  async *#watchNew(task: NewTask): Steps {
    using _ = task;
    const { spec, watcher } = task;
    const snapshot = fold([spec]);
    try {
      if (snapshot) yield { case: "snapshot", value: snapshot };
      yield* new Following(watcher);
    } catch (error) {
      yield failureOf(spec.taskId, error);
    }
  }

  async *#watchKnown(wanted: Wanted, watcher: Watcher): Steps {
    using joining = await this.#joining.take();
    if (this.#leaving.signal.aborted) return;
    using _ = this.#register(wanted.taskId, watcher);
    const ended = yield* join(this.#parts, wanted, watcher);
    joining[Symbol.dispose]();
    if (!ended) yield* new Following(watcher);
  }

  /** A task may be heard of as a new one, and then be the one that was found. */
  #forgetUpTo(taskId: string, specSequence: bigint): void {
    const waiting = this.#followed.get(taskId) ?? [];
    while (waiting[0] && waiting[0].spec.sequence <= specSequence) {
      waiting.shift()?.[Symbol.dispose]();
    }
  }

  /**
   * Brings nothing itself, but follows every task that bears the labels. What the watchers have got until now is looked up
   * in the log; what they get from now on tells of every new one: no gap, and no task twice.
   */
  async *#watchMatching(): Steps {
    const { signal } = this.#leaving;
    using _ = this.#parts.watchers.addNewcomers({
      onSpec: (event) => this.#onSpec(event),
      fail: (error) => this.#steps.fail(error),
    });
    const isWanted = (event: TaskEvent) =>
      this.#bearsLabels(event) && !this.#listed.has(event.taskId);
    const sought = { after: 0, head: this.#parts.cursor(), isWanted, signal };
    for await (const { picked } of this.#parts.scan.events({ facet: "spec", ...sought })) {
      for (const spec of await this.#notEnded(picked)) {
        // One whose id is another's by now has left.
        if (this.#followed.has(spec.taskId)) continue;
        if (this.#isFull) throw new TooManyTasks(MAX_FOLLOWED);
        this.#follow(spec.taskId, this.#watchFound(spec));
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

  #onSpec(spec: TaskEvent): void {
    if (this.#leaving.signal.aborted || !this.#bearsLabels(spec)) return;
    if (this.#isFull) {
      this.#steps.fail(new TooManyTasks(MAX_FOLLOWED));
      return;
    }
    const task = this.#hear(spec);
    const waiting = this.#followed.get(spec.taskId);
    if (waiting) waiting.push(task);
    else this.#follow(spec.taskId, this.#watchNew(task));
  }

  /** From now on, all that is written of the task is kept for when it is told. */
  #hear(spec: TaskEvent): NewTask {
    const watcher = this.#newWatcher();
    watcher.isOf(spec.sequence);
    watcher.push(spec);
    return Object.assign(this.#register(spec.taskId, watcher), { spec, watcher });
  }

  #bearsLabels({ facet }: TaskEvent): boolean {
    return facet.case === "spec" && bearsLabels(facet.value.labels, this.#wanted.labels);
  }

  #newWatcher(): Watcher {
    return new Watcher(() => this.#share());
  }

  #register(taskId: string, watcher: Watcher): Disposable {
    using registering = new DisposableStack();
    registering.use(this.#parts.watchers.add(taskId, watcher));
    registering.defer(() => this.#watchers.delete(watcher));
    this.#watchers.add(watcher);
    return registering.move();
  }

  #share(): number {
    const share = Math.floor(MAX_BEHIND_IN_ALL / this.#count);
    return Math.max(MIN_BEHIND, Math.min(MAX_BEHIND, share));
  }
}
