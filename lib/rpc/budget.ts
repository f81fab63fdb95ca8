interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** Counts what may happen so often at once, and so often per second after that. */
export class Budget {
  readonly #allowance: Allowance;
  #left: number;
  #countedMs: number;

  constructor(allowance: Allowance, nowMs: number) {
    this.#allowance = allowance;
    this.#left = allowance.burst;
    this.#countedMs = nowMs;
  }

  /** Whether it may happen once more. */
  spend(nowMs: number): boolean {
    const { burst, perSecond } = this.#allowance;
    const earned = ((nowMs - this.#countedMs) / 1_000) * perSecond;
    this.#left = Math.min(burst, this.#left + earned);
    this.#countedMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
