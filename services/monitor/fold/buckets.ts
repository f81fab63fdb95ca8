/** From what a waiting caller can't notice to what only a backlog explains. */
export const QUEUE_WAIT_BOUNDS_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200,
];

/** From a call that needed no task to the longest attempt that is allowed, a day. */
export const RUN_BOUNDS_SECONDS = [
  0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400,
];

/** All durations of one kind, sorted into buckets. */
export class Buckets {
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  observe(seconds: number): void {
    this.#count += 1;
    this.#sum += seconds;
    const place = this.bounds.findIndex((bound) => seconds <= bound);
    if (place >= 0) this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  /** For every bound, how many durations are not above it. */
  cumulative(): readonly { readonly bound: number; readonly count: number }[] {
    let count = 0;
    return this.bounds.map((bound, place) => {
      count += this.#counts[place] ?? 0;
      return { bound, count };
    });
  }
}
