import { callLater } from "#lib/async/timers.ts";

/** A lease as the broker has granted it. */
export interface Grant {
  readonly revision: number;
  /** Until when it surely is ours, by `performance.now()`. */
  readonly untilMs: number;
}

/** The time that a leader may lead: its signal aborts when the lease was not renewed in time, or when it is ended. */
export class Term implements Disposable {
  readonly #over = new AbortController();
  #timer: Disposable | undefined;
  #revision = 0;

  constructor(grant: Grant) {
    this.extend(grant);
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Revision of the lease as last written. */
  get revision(): number {
    return this.#revision;
  }

  /** One that came too late ends it. */
  extend({ revision, untilMs }: Grant): void {
    this.#revision = revision;
    this.#timer?.[Symbol.dispose]();
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) this.end();
    else this.#timer = callLater(leftMs, () => this.end());
  }

  end(): void {
    this.#timer?.[Symbol.dispose]();
    this.#over.abort();
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
