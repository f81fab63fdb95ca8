import { facetOf, taskIdOf } from "../names.ts";
import type { StoredEvent } from "./event-codec.ts";
import type { LogListener } from "./log-follower.ts";
import { endsTask } from "./peek.ts";

/** An event that somebody may have to see to. */
export interface SeenEvent {
  readonly taskId: string;
  readonly sequence: bigint;
  /** Whether it ends its task. */
  readonly isEnd: boolean;
}

/** A facet by which tasks go on. */
export type Step = "spec" | "state";

interface Newest {
  readonly step: Step;
  readonly sequence: number;
  readonly atMs: number;
}

/** Where everything that is written can be heard of. */
export interface Listening {
  /** Sequence of the last event that was heard of; undefined: nothing is heard yet. */
  readonly cursor: number | undefined;
  hear(listener: LogListener): Disposable;
}

/**
 * What was written since it began to listen, so far as somebody may have to see to it: the newest spec or state change of
 * each task that has not ended. Most tasks end soon, so that nothing of them need be read again to know that.
 */
export class Tail implements LogListener, Disposable {
  readonly #listening: Listening;
  readonly #hearing: Disposable;
  /** In the order of the log. */
  readonly #newest = new Map<string, Newest>();
  #last: number;
  #after: number;

  constructor(listening: Listening) {
    this.#listening = listening;
    this.#last = listening.cursor ?? 0;
    this.#after = this.#last;
    this.#hearing = listening.hear(this);
  }

  /** Sequence from which on it knows all. */
  get after(): number {
    return this.#after;
  }

  onStored({ subject, seq, time, data }: StoredEvent): void {
    this.#last = seq;
    const step = facetOf(subject);
    if (step !== "spec" && step !== "state") return;
    const taskId = taskIdOf(subject);
    this.#newest.delete(taskId);
    if (step === "state" && endsTask(data)) return;
    this.#newest.set(taskId, { step, sequence: seq, atMs: time.getTime() });
  }

  onReset(): void {
    this.#last = this.#listening.cursor ?? 0;
    this.restart();
  }

  /** Forgets all that it has heard: what was written until now is read by whoever needs it. */
  restart(): void {
    this.#after = this.#last;
    this.#newest.clear();
  }

  /** Tasks that have not gone on since this step, which was written before then: the oldest, so many at the most. */
  due(step: Step, bornMs: number, most: number): SeenEvent[] {
    const due: SeenEvent[] = [];
    for (const [taskId, newest] of this.#newest) {
      if (newest.atMs > bornMs || due.length === most) break;
      if (newest.step !== step) continue;
      due.push({ taskId, sequence: BigInt(newest.sequence), isEnd: false });
    }
    return due;
  }

  /** These were seen to. Returns the sequence up to which nothing is left. */
  release(events: readonly SeenEvent[]): number {
    for (const { taskId, sequence } of events) {
      const isNewest = this.#newest.get(taskId)?.sequence === Number(sequence);
      if (isNewest) this.#newest.delete(taskId);
    }
    const [oldest] = this.#newest.values();
    return oldest ? oldest.sequence - 1 : this.#last;
  }

  [Symbol.dispose](): void {
    this.#hearing[Symbol.dispose]();
  }
}
