const OBSERVATIONS = 1_000;

export interface DurationFigures {
  readonly count: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  readonly maxSeconds: number;
}

/** The last 1,000 durations of one kind. */
export class Durations {
  readonly #seconds = new Float64Array(OBSERVATIONS);
  #observed = 0;

  observe(seconds: number): void {
    this.#seconds[this.#observed % OBSERVATIONS] = seconds;
    this.#observed += 1;
  }

  figures(): DurationFigures {
    const count = Math.min(this.#observed, OBSERVATIONS);
    const sorted = this.#seconds.slice(0, count).sort();
    const rank = (share: number) => sorted[Math.ceil(count * share) - 1] ?? 0;
    return {
      count,
      p50Seconds: rank(0.5),
      p95Seconds: rank(0.95),
      p99Seconds: rank(0.99),
      maxSeconds: rank(1),
    };
  }
}
