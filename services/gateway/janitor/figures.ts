import type { LogUsage } from "#lib/broker/log/log-space.ts";
import type { ParkedDepth } from "#lib/broker/queues/parked.ts";

/** Why a task leaves the log: its time is over, or room was needed. */
export type Reason = "keep_for" | "room";

/** What the janitor of this process has done since it started. */
export class JanitorFigures {
  readonly #outlived = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #lastPasses = new Map<string, number>();
  readonly #left = new Map<Reason, number>([
    ["keep_for", 0],
    ["room", 0],
  ]);
  #orphans = 0;
  /** How full the log is, as last seen. */
  usage: LogUsage | undefined;
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

  /** Tasks that have ended and were taken out of the log, by the reason. */
  get left(): ReadonlyMap<Reason, number> {
    return this.#left;
  }

  tasksLeft(reason: Reason, tasks: number): void {
    this.#left.set(reason, (this.#left.get(reason) ?? 0) + tasks);
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
