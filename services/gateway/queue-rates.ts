import type { QueueTotals } from "#lib/broker/queues/queue-figures.ts";

/** Per second. */
export type Rates = QueueTotals;

/** What the broker had counted at a time. */
export interface Sample {
  readonly atMs: number;
  readonly totals: QueueTotals;
}

const WINDOW_MS = 60_000;

const NONE: Rates = { enqueued: 0, taken: 0, settled: 0 };

/** How fast a queue moves, from samples of the last minute. */
export class QueueRates {
  #samples: readonly Sample[] = [];

  add(sample: Sample): void {
    const last = this.#samples.at(-1);
    // Who counts less than before has begun anew: somebody has put the queue back that was deleted by hand.
    const before = last && wentBack(last.totals, sample.totals) ? [] : this.#samples;
    this.#samples = [...before.filter(({ atMs }) => sample.atMs - atMs <= WINDOW_MS), sample];
  }

  /** Zero as long as there is nothing to compare. */
  get rates(): Rates {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    const seconds = first && last ? (last.atMs - first.atMs) / 1_000 : 0;
    if (!first || !last || seconds === 0) return NONE;
    return {
      enqueued: (last.totals.enqueued - first.totals.enqueued) / seconds,
      taken: (last.totals.taken - first.totals.taken) / seconds,
      settled: (last.totals.settled - first.totals.settled) / seconds,
    };
  }
}

function wentBack(before: QueueTotals, now: QueueTotals): boolean {
  return now.enqueued < before.enqueued || now.taken < before.taken || now.settled < before.settled;
}
