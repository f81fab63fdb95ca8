import { endBySignal, onStopSignal } from "#lib/process/stop-signals.mjs";

/** On one Ctrl-C, the terminal tells us, and so does `npm run`, a moment later. */
const SAME_KEYPRESS_MS = 250;

/** Asked once, the program stops in order; asked again, it stops at once. */
export class StopSignals implements Disposable {
  readonly #leaving = new AbortController();
  readonly #atOnce = new AbortController();
  #askedAt = 0;

  constructor() {
    onStopSignal(this.#ask);
  }

  /** Aborts when the program is asked to stop. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  /** Aborts when it is asked a second time. */
  get atOnce(): AbortSignal {
    return this.#atOnce.signal;
  }

  [Symbol.dispose](): void {
    onStopSignal(endBySignal);
  }

  readonly #ask = (): void => {
    if (!this.#leaving.signal.aborted) {
      this.#askedAt = performance.now();
      this.#leaving.abort();
    } else if (performance.now() - this.#askedAt > SAME_KEYPRESS_MS) {
      this.#atOnce.abort();
    }
  };
}
