import { callLater } from "#lib/async/timers.ts";

/** A thread that is not ready by then is taken for one that can't be started. */
const READY_MS = 30_000;

/** The wait for a thread to be ready, until it is disposed of. */
export class ThreadStart implements Disposable {
  readonly #all: Set<ThreadStart>;
  readonly #failed = new AbortController();
  readonly #timer = callLater(READY_MS, () =>
    this.fail(new Error(`it was not ready within ${READY_MS / 1_000} s`)),
  );

  /** Is among `all` for as long as it lasts. */
  constructor(all: Set<ThreadStart>) {
    this.#all = all;
    all.add(this);
  }

  /** Aborts with the reason why the thread can't be waited for any longer. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  fail(reason: unknown): void {
    this.#failed.abort(reason);
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
    this.#all.delete(this);
  }
}
