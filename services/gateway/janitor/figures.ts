import type { ParkedDepth } from "#lib/broker/queues/parked.ts";

/** What the janitor of this process has done since it started. */
export class JanitorFigures {
  readonly #outlived = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #lastPasses = new Map<string, number>();
  #orphans = 0;
  /** What lies aside, as last seen. */
  parked: ParkedDepth | undefined;

  get orphansEnqueued(): number {
    return this.#orphans;
  }

  /** Tasks that were ended because of their age, by the state that they ended in. */
  get outlived(): ReadonlyMap<string, number> {
    return this.#outlived;
  }

  /** By chore. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  /** When each chore was last done, in milliseconds since 1970. */
  get lastPasses(): ReadonlyMap<string, number> {
    return this.#lastPasses;
  }

  enqueuedOrphan(): void {
    this.#orphans += 1;
  }

  endedOutlived(state: string): void {
    increment(this.#outlived, state);
  }

  passed(chore: string, nowMs: number): void {
    this.#lastPasses.set(chore, nowMs);
  }

  failed(chore: string): void {
    increment(this.#failures, chore);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
