const WINDOW_SECONDS = 60;

function secondOf(timeMs: number): number {
  return Math.floor(timeMs / 1_000);
}

/**
 * Counts one kind of event, by the second in which the log stored it. So a history that is read again, however fast,
 * gives the rates of the time when it happened.
 */
export class Meter {
  readonly #counts = new Uint32Array(WINDOW_SECONDS);
  readonly #seconds = new Float64Array(WINDOW_SECONDS);
  #sum = 0;
  #total = 0;

  /** All that were ever counted. Never shrinks, for readers take a smaller number for a restart. */
  get total(): number {
    return this.#total;
  }

  count(timeMs: number): void {
    this.#sum += 1;
    this.#total = Math.max(this.#total, this.#sum);
    const second = secondOf(timeMs);
    const place = second % WINDOW_SECONDS;
    const stored = this.#seconds[place] ?? 0;
    if (second < stored) return;
    this.#counts[place] = second === stored ? (this.#counts[place] ?? 0) + 1 : 1;
    this.#seconds[place] = second;
  }

  /** Takes back what was counted at that time; in the total, the next one counts in its stead. */
  takeBack(timeMs: number): void {
    this.#sum -= 1;
    const second = secondOf(timeMs);
    const place = second % WINDOW_SECONDS;
    if (this.#seconds[place] === second) this.#counts[place] = (this.#counts[place] ?? 1) - 1;
  }

  /** Over the minute that ends with the given time. */
  perSecond(nowMs: number): number {
    const newest = secondOf(nowMs);
    const oldest = newest - WINDOW_SECONDS + 1;
    let sum = 0;
    this.#seconds.forEach((second, place) => {
      if (second >= oldest && second <= newest) sum += this.#counts[place] ?? 0;
    });
    return sum / WINDOW_SECONDS;
  }
}
