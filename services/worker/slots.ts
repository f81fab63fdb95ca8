import type { RunningAttempts } from "./running-attempts.ts";

export interface SlotsOptions {
  readonly running: RunningAttempts;
  /** Attempts that may run at once, in all. */
  readonly concurrency: number;
  /** Attempts of single queues that may run at once; the other queues share what is left. */
  readonly queueConcurrency: ReadonlyMap<string, number> | undefined;
}

/** How many attempts may still begin. */
export class Slots {
  readonly #options: SlotsOptions;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** In all. */
  get free(): number {
    return Math.max(0, this.#options.concurrency - this.#options.running.count);
  }

  /** Of the queue. */
  freeOf(queue: string): number {
    const { running, queueConcurrency } = this.#options;
    const limit = queueConcurrency?.get(queue) ?? Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(this.free, limit - running.countOf(queue)));
  }
}
