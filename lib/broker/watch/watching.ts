import type { Task } from "#gen/millrace/v1/task_pb.ts";
import { onAbort } from "#lib/async/abort.ts";
import { Semaphore } from "#lib/async/semaphore.ts";
import type { Line } from "#lib/process/line.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import type { BrokerLog, Link } from "../link/link.ts";
import { LogFollower, type LogListener } from "../log/log-follower.ts";
import { LogScan } from "../log/log-scan.ts";
import type { Listening } from "../log/tail.ts";
import type { TaskLog } from "../log/task-log.ts";
import { facetOf, taskIdOf } from "../names.ts";
import { ExpectedTask } from "./expected-task.ts";
import { ManyWatch, type ManyWatchStep, type WantedTasks } from "./many-watch.ts";
import { UnseenDeletes } from "./unseen-deletes.ts";
import { Following, join, type Logs, type WatchStep } from "./watch-steps.ts";
import { Watcher } from "./watcher.ts";
import { Watchers } from "./watchers.ts";

/** Watches that ask the broker at once how their tasks stand: thousands begin at once when a gateway is started anew. */
const MAX_ASKING = 64;

/** Lets any number of watchers follow tasks, and others hear of all events, through one consumer. */
export class Watching implements AsyncDisposable, Listening {
  readonly #logs: Logs;
  readonly #watchers = new Watchers();
  readonly #unseenDeletes: UnseenDeletes;
  readonly #follower: LogFollower;
  readonly #listeners = new Set<LogListener>();

  constructor(link: Link, taskLog: TaskLog, log: BrokerLog) {
    const scan = new LogScan(link);
    this.#logs = { log: taskLog, scan, asking: new Semaphore(MAX_ASKING) };
    const watchers = this.#watchers;
    this.#unseenDeletes = new UnseenDeletes({ link, log: taskLog, scan, watchers });
    this.#follower = new LogFollower({
      link,
      log,
      from: "now",
      onStored: (event) => {
        for (const listener of this.#listeners) listener.onStored(event);
      },
      isWanted: (subject) => this.#watchers.wants(taskIdOf(subject), facetOf(subject)),
      onEvent: (event) => this.#watchers.handOut(event),
      onMissed: () => this.#unseenDeletes.look(),
      // The log was replaced by another one: whoever asks again learns what is left of the task.
      onReset: () => {
        this.#watchers.failAll(new BrokerUnavailable());
        for (const listener of this.#listeners) listener.onReset();
      },
    });
  }

  /** Whether events arrive, and none is still to come from before. */
  get line(): Line {
    return this.#follower;
  }

  /** Sequence of the last event that was heard of; undefined: it has not found its place yet. */
  get cursor(): number | undefined {
    return this.#follower.cursor;
  }

  /** Tells the listener of every event after the cursor. */
  hear(listener: LogListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Tasks that are watched now, by anyone. */
  get watchedTasks(): number {
    return this.#watchers.size;
  }

  /** The same, each as often as it is watched. */
  get watchers(): number {
    return this.#watchers.count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#follower[Symbol.asyncDispose]();
    await this.#unseenDeletes[Symbol.asyncDispose]();
  }

  /** Throws while a watch could not begin: before we follow, an event could pass between the history and the buffer. */
  check(): void {
    this.#place();
  }

  /**
   * The task as it stands, then every event after the sequence, in order and each once, up to the terminal one. First
   * register, so that what happens from now on is buffered; then ask the leader how far the history goes, and read it;
   * then go on with the buffer, less what the history had.
   */
  async *watch(
    taskId: string,
    afterSequence: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<WatchStep> {
    this.check();
    using watcher = new Watcher();
    using _registered = this.#watchers.add(taskId, watcher);
    using _left = onAbort(signal, () => watcher[Symbol.dispose]());
    const ended = yield* join(this.#logs, { taskId, afterSequence }, watcher);
    if (!ended) yield* new Following(watcher);
  }

  /** Hears of a task that is about to be submitted. */
  expect(taskId: string): ExpectedTask {
    return new ExpectedTask((watcher) => this.#watchers.add(taskId, watcher));
  }

  /**
   * A task that was just submitted, and then what was written of it after its spec: as `watch`, and reads nothing. It is
   * expected no longer when the watch ends, or is left.
   */
  watchNew(expected: ExpectedTask, task: Task): AsyncIterableIterator<WatchStep, undefined> {
    const { watcher } = expected;
    watcher.isEarly = false;
    watcher.isOf(task.sequence);
    // What we don't hear of may have been deleted before we could.
    if (watcher.wasMissing || !watcher.has(task.sequence)) this.#unseenDeletes.look();
    watcher.skipTo(task.sequence);
    const snapshot = { case: "snapshot", value: task } as const;
    return new Following(watcher, snapshot, () => expected[Symbol.dispose]());
  }

  /**
   * Many tasks at once, each as `watch` would; the steps of different tasks come in no particular order. Ends when all
   * have ended; never, when labels are given.
   */
  async *watchMany(wanted: WantedTasks, signal: AbortSignal): AsyncGenerator<ManyWatchStep> {
    this.check();
    const parts = {
      ...this.#logs,
      watchers: this.#watchers,
      cursor: () => this.#place(),
    };
    using many = new ManyWatch(parts, wanted);
    using _left = onAbort(signal, () => many[Symbol.dispose]());
    yield* many.steps();
  }

  #place(): number {
    const { cursor } = this;
    if (cursor === undefined) throw new BrokerUnavailable();
    return cursor;
  }
}
