import type { Log } from "#lib/process/log.ts";

export interface Abandoned {
  readonly taskId: string;
  readonly attempt: number;
  /** Full name of the task type. */
  readonly taskType: string;
  readonly startedMs: number;
}

/**
 * Handlers that did not end in time. In the worker's own thread nobody can end them: they go on, at the cost of
 * whoever shares the process, and nobody hears what they say.
 */
export class AbandonedHandlers {
  readonly #log: Log;
  readonly #onAbandoned: (taskType: string) => void;
  #running = 0;

  constructor(log: Log, onAbandoned: (taskType: string) => void) {
    this.#log = log;
    this.#onAbandoned = onAbandoned;
  }

  /** How many run still. */
  get count(): number {
    return this.#running;
  }

  add(work: Promise<unknown>, { startedMs, ...who }: Abandoned): void {
    this.#running += 1;
    this.#onAbandoned(who.taskType);
    this.#log.warn({ ...who, ranMs: Date.now() - startedMs }, "handler abandoned");
    void work.finally(() => {
      this.#running -= 1;
      this.#log.warn({ ...who, ranMs: Date.now() - startedMs }, "abandoned handler has ended");
    });
  }
}
