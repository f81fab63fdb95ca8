/** A lease as the broker has granted it. */
export interface Grant {
  readonly revision: number;
  /** Until when it surely is ours, by `performance.now()`. */
  readonly untilMs: number;
}

/** The time that a leader may lead: its signal aborts when the lease was not renewed in time, or when it is ended. */
export class Term implements Disposable {
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;
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
    clearTimeout(this.#timer);
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) this.end();
    else this.#timer = setTimeout(() => this.end(), leftMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#over.abort();
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
