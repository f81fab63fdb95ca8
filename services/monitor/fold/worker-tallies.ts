/** What a worker has done, as the log tells it. */
export interface WorkerTally {
  readonly id: string;
  succeeded: number;
  failed: number;
  lastSeenMs: number;
}

/** The workers whose attempts are in the log. */
export class WorkerTallies {
  readonly #tallies = new Map<string, WorkerTally>();

  /** The worker's tally, when it has just shown that it lives. */
  seen(id: string, timeMs: number): WorkerTally {
    const tally = this.#tallies.get(id) ?? { id, succeeded: 0, failed: 0, lastSeenMs: 0 };
    tally.lastSeenMs = Math.max(tally.lastSeenMs, timeMs);
    this.#tallies.set(id, tally);
    return tally;
  }

  get(id: string): WorkerTally | undefined {
    return this.#tallies.get(id);
  }

  all(): readonly WorkerTally[] {
    return [...this.#tallies.values()];
  }

  forget(beforeMs: number): void {
    for (const { id, lastSeenMs } of this.#tallies.values()) {
      if (lastSeenMs < beforeMs) this.#tallies.delete(id);
    }
  }
}
