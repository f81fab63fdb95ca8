import { onAbort } from "#lib/async/abort.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import type { CancelHint } from "#lib/broker/processes/cancels.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import type { Lease } from "./lease.ts";

/** A task that this worker holds. */
export interface RunningAttempt {
  readonly taskId: string;
  readonly queue: string;
  readonly lease: Lease;
  /** Epoch of the run that its delivery was of; undefined: the delivery did not say. */
  readonly epoch: number | undefined;
  /** Number of the attempt; 0 until its start is written down. */
  number: number;
  /** Set once its start is written down. */
  fence: Fence | undefined;
  readonly stop: (reason: AttemptStopped) => void;
}

/** Everything that this worker works on now. */
export class RunningAttempts {
  readonly #running = new Set<RunningAttempt>();
  readonly #listeners = new Set<() => void>();

  get count(): number {
    return this.#running.size;
  }

  /** Those that run now. */
  get all(): readonly RunningAttempt[] {
    return [...this.#running];
  }

  /** How many of them came from the queue. */
  countOf(queue: string): number {
    return [...this.#running].filter((attempt) => attempt.queue === queue).length;
  }

  get taskIds(): string[] {
    return [...this.#running].map(({ taskId }) => taskId);
  }

  /** The newest attempt of the task here, if there is one. */
  find(taskId: string): RunningAttempt | undefined {
    return [...this.#running].findLast((attempt) => attempt.taskId === taskId);
  }

  add(attempt: RunningAttempt): Disposable {
    this.#running.add(attempt);
    return {
      [Symbol.dispose]: () => {
        this.#running.delete(attempt);
        for (const listener of this.#listeners) listener();
      },
    };
  }

  extendAll(): void {
    for (const { lease } of this.#running) lease.extend();
  }

  /** Stops the attempts of a run that are older than its newest one. */
  cancel({ taskId, epoch, newest }: CancelHint): void {
    for (const attempt of this.#running) {
      if (attempt.taskId !== taskId || attempt.number >= newest) continue;
      if (attempt.fence && epoch !== undefined && attempt.fence.epoch !== epoch) continue;
      // One that only begins may be the newest one that the hint is about.
      if (attempt.number === 0 && Number.isFinite(newest)) continue;
      attempt.lease.lapse();
      attempt.stop(new AttemptStopped("canceled", "the task was canceled, or taken over"));
    }
  }

  stopAll(): void {
    for (const attempt of this.#running) attempt.stop(leaving());
  }

  /** Stops those whose start is not written down yet. */
  stopBeginning(): void {
    for (const attempt of this.#running) if (!attempt.fence) attempt.stop(leaving());
  }

  /** Calls the listener whenever an attempt has ended. */
  onEnd(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Resolves when the condition holds, which only the end of an attempt can bring about; or when the signal aborts. */
  async until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    while (!holds() && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      using _ended = this.onEnd(resolve);
      using _aborted = onAbort(signal, resolve);
      await promise;
    }
  }
}

function leaving(): AttemptStopped {
  return new AttemptStopped("leaving", "the worker has to leave");
}
