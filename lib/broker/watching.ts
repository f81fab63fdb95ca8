import type { Task, TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { Line } from "#lib/process/line.ts";
import { BrokerAway, TaskNotFound } from "#lib/task/errors.ts";
import { isTerminal, isTerminalEvent } from "#lib/task/life.ts";
import type { BrokerLog, Link } from "./link.ts";
import { LogFollower } from "./log-follower.ts";
import type { TaskLog } from "./task-log.ts";
import { Watcher } from "./watcher.ts";

/** What a watch brings: first the task as it stands, then events. */
export type WatchStep = { case: "snapshot"; value: Task } | { case: "event"; value: TaskEvent };

/** Lets any number of watchers follow tasks through one consumer. */
export class Watching implements AsyncDisposable {
  readonly #log: TaskLog;
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #follower: LogFollower;

  constructor(link: Link, taskLog: TaskLog, log: BrokerLog) {
    this.#log = taskLog;
    this.#follower = new LogFollower({
      link,
      log,
      from: "now",
      onEvent: (event) => this.#handOut(event),
      onReset: () => this.#endAll(),
    });
  }

  /** Whether events arrive, and none is still to come from before. */
  get line(): Line {
    return this.#follower;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#follower[Symbol.asyncDispose]();
  }

  /** Throws while a watch could not begin: before we follow, an event could pass between the history and the buffer. */
  check(): void {
    if (this.#follower.cursor === undefined) throw new BrokerAway();
  }

  /**
   * The task as it stands, then every event after the sequence, in order and each once, up to the terminal one. Joins
   * without gap or duplicate: first register, so that what happens from now on is buffered; then ask the leader how far
   * the history goes, and read it; then go on with the buffer, less what the history had.
   */
  async *watch(
    taskId: string,
    afterSequence: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<WatchStep> {
    this.check();
    const watcher = new Watcher();
    using _ = this.#register(taskId, watcher);
    const standing = await this.#log.read(taskId);
    if (!standing) throw new TaskNotFound(taskId);
    const { task } = standing;
    yield { case: "snapshot", value: task };
    // A sequence that is not reached yet is of a log that this one has replaced: nothing of ours has been seen.
    const after = afterSequence > task.sequence ? 0n : afterSequence;
    watcher.skipTo(after);
    for await (const event of this.#log.history(taskId, after, task.sequence)) {
      watcher.skipTo(event.sequence);
      yield { case: "event", value: event };
      if (isTerminalEvent(event) || signal.aborted) return;
    }
    if (isTerminal(task.state)) return;
    watcher.skipTo(task.sequence);
    for await (const event of watcher.events(signal)) {
      yield { case: "event", value: event };
      if (isTerminalEvent(event)) return;
    }
  }

  #register(taskId: string, watcher: Watcher): Disposable {
    const watchers = this.#watchers.get(taskId) ?? new Set();
    this.#watchers.set(taskId, watchers.add(watcher));
    return {
      [Symbol.dispose]: () => {
        watchers.delete(watcher);
        if (watchers.size === 0 && this.#watchers.get(taskId) === watchers) {
          this.#watchers.delete(taskId);
        }
      },
    };
  }

  /** The log was replaced by another one: whoever asks again learns what is left of the task. */
  #endAll(): void {
    const watchers = [...this.#watchers.values()].flatMap((some) => [...some]);
    for (const watcher of watchers) watcher.fail(new BrokerAway());
  }

  #handOut(event: TaskEvent): void {
    for (const watcher of this.#watchers.get(event.taskId) ?? []) watcher.push(event);
  }
}
