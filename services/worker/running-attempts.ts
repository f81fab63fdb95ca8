import { AttemptStopped } from "#lib/task/outcome.ts";

/** An attempt that this worker holds. */
export interface RunningAttempt {
  readonly taskId: string;
  /** Its number; 0 until its start is written down. */
  readonly number: number;
  /** Keeps the delivery ours. */
  extend(): void;
  stop(reason: AttemptStopped): void;
}

/** Everything that this worker works on now. */
export class RunningAttempts {
  readonly #running = new Set<RunningAttempt>();
  #ended: (() => void) | undefined;

  get count(): number {
    return this.#running.size;
  }

  add(attempt: RunningAttempt): Disposable {
    this.#running.add(attempt);
    return {
      [Symbol.dispose]: () => {
        this.#running.delete(attempt);
        this.#ended?.();
      },
    };
  }

  extendAll(): void {
    for (const attempt of this.#running) attempt.extend();
  }

  /** Stops the attempts of a task that are older than the newest one. */
  cancel(taskId: string, newest: number): void {
    for (const attempt of this.#running) {
      if (attempt.taskId !== taskId || attempt.number >= newest) continue;
      attempt.stop(new AttemptStopped("canceled", "the task was canceled, or taken over"));
    }
  }

  stopAll(): void {
    const reason = new AttemptStopped("leaving", "the worker has to leave");
    for (const attempt of this.#running) attempt.stop(reason);
  }

  /** Resolves when fewer than `count` attempts run, or when the signal aborts. */
  async fewerThan(count: number, signal: AbortSignal): Promise<void> {
    while (this.#running.size >= count && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const aborted = () => resolve();
      this.#ended = resolve;
      signal.addEventListener("abort", aborted, { once: true });
      await promise;
      signal.removeEventListener("abort", aborted);
    }
  }
}
