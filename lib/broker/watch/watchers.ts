import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { TaskNotFound } from "#lib/task/errors.ts";
import type { Watcher } from "./watcher.ts";

/** Waits for tasks that are not known yet. */
export interface Newcomers {
  /** Called with the first event of every new task. Must not throw. */
  onSpec(event: TaskEvent): void;
  /** Called when there will be no more. */
  fail(error: Error): void;
}

/** Who watches what. */
export class Watchers {
  readonly #byTask = new Map<string, Set<Watcher>>();
  readonly #newcomers = new Set<Newcomers>();

  /** Tasks that somebody watches. */
  get size(): number {
    return this.#byTask.size;
  }

  /** Tasks that are watched, each as often as it is. */
  get count(): number {
    return [...this.#byTask.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get taskIds(): string[] {
    return [...this.#byTask.keys()];
  }

  add(taskId: string, watcher: Watcher): Disposable {
    const watchers = this.#byTask.get(taskId) ?? new Set();
    this.#byTask.set(taskId, watchers.add(watcher));
    return {
      [Symbol.dispose]: () => {
        watchers.delete(watcher);
        if (watchers.size === 0 && this.#byTask.get(taskId) === watchers) {
          this.#byTask.delete(taskId);
        }
      },
    };
  }

  addNewcomers(newcomers: Newcomers): Disposable {
    this.#newcomers.add(newcomers);
    return { [Symbol.dispose]: () => this.#newcomers.delete(newcomers) };
  }

  /** Whether somebody gets an event of the task. */
  wants(taskId: string, facet: string): boolean {
    return this.#byTask.has(taskId) || (facet === "spec" && this.#newcomers.size > 0);
  }

  handOut(event: TaskEvent): void {
    for (const watcher of this.#byTask.get(event.taskId) ?? []) watcher.push(event);
    if (event.facet.case !== "spec") return;
    for (const newcomers of this.#newcomers) newcomers.onSpec(event);
  }

  /** Whether nobody watches another task of the id than that with this spec, as far as is known. */
  areOf(taskId: string, specSequence: bigint): boolean {
    const specs = [...(this.#byTask.get(taskId) ?? [])].map((watcher) => watcher.specSequence);
    return specs.every((each) => each === undefined || each === specSequence);
  }

  /**
   * Ends the watches of a task that is not there; not of those who are about to write it. Where another task has its id by
   * now, with the spec that `look` finds, those of the tasks before. Those that are yet to join a task, or join one during
   * the look, find out by themselves.
   */
  async endGone(taskId: string, look: () => Promise<bigint | undefined>): Promise<void> {
    const before = [...(this.#byTask.get(taskId) ?? [])].map((watcher) => ({
      watcher,
      own: watcher.specSequence,
    }));
    const found = await look();
    for (const { watcher, own } of before) {
      if (watcher.isEarly) watcher.wasMissing ||= found === undefined;
      else if (own === undefined || own !== watcher.specSequence) continue;
      else if (found === undefined || own < found) watcher.endWith(new TaskNotFound(taskId));
    }
  }

  failAll(error: Error): void {
    const watchers = [...this.#byTask.values()].flatMap((some) => [...some]);
    for (const watcher of [...watchers, ...this.#newcomers]) watcher.fail(error);
  }
}
