import { callLater } from "#lib/async/timers.ts";

type Result<T> = IteratorResult<T, undefined>;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * The source's items, and a keep-alive after every silence of the given length. Ends with the source, with the signal,
 * and when the reader stops, each time at once, also while the source is parked.
 */
export function withKeepAlive<T>(
  source: AsyncIterable<T>,
  everyMs: number,
  makeKeepAlive: () => T | Promise<T>,
  signal: AbortSignal,
): AsyncIterableIterator<T, undefined> {
  return new KeptAlive(source[Symbol.asyncIterator](), everyMs, makeKeepAlive, signal);
}

// Written out, for an async generator can't be stopped while it waits.
class KeptAlive<T> implements AsyncIterableIterator<T, undefined> {
  readonly #source: AsyncIterator<T>;
  readonly #everyMs: number;
  readonly #makeKeepAlive: () => T | Promise<T>;
  readonly #signal: AbortSignal;
  #asked = false;
  #ended = false;
  /** What the source answered while nobody was waiting. */
  #arrived: Promise<IteratorResult<T>> | undefined;
  #reader: ((result: Result<T> | Promise<Result<T>>) => void) | undefined;
  #timer: Disposable | undefined;
  /** Since when the reader waits. */
  #silentSinceMs = 0;

  constructor(
    source: AsyncIterator<T>,
    everyMs: number,
    makeKeepAlive: () => T | Promise<T>,
    signal: AbortSignal,
  ) {
    this.#source = source;
    this.#everyMs = everyMs;
    this.#makeKeepAlive = makeKeepAlive;
    this.#signal = signal;
    signal.addEventListener("abort", this.#stop);
    if (signal.aborted) this.#stop();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result<T>> {
    // First, for it may be what the source has failed with.
    const arrived = this.#arrived;
    if (arrived !== undefined) {
      this.#arrived = undefined;
      return arrived;
    }
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#silentSinceMs = performance.now();
      this.#timer ??= callLater(this.#everyMs, this.#look);
      if (!this.#asked) this.#ask();
    });
  }

  return(): Promise<Result<T>> {
    this.#stop();
    return Promise.resolve(DONE);
  }

  #ask(): void {
    this.#asked = true;
    const answer = this.#source.next().then(
      (result) => {
        if (result.done !== true) return result;
        this.#end();
        return DONE;
      },
      (error) => {
        this.#end();
        throw error;
      },
    );
    const arrive = () => this.#arrive(answer);
    answer.then(arrive, arrive);
  }

  #arrive(answer: Promise<Result<T>>): void {
    this.#asked = false;
    if (this.#reader === undefined) this.#arrived = answer;
    else this.#give(answer);
  }

  /** One timer looks after all silences: most are short, and a timer for each would cost more than the item that ends it. */
  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#reader === undefined) return;
    const leftMs = this.#silentSinceMs + this.#everyMs - performance.now();
    if (leftMs > 0) this.#timer = callLater(leftMs, this.#look);
    else this.#sayAlive();
  };

  #sayAlive(): void {
    const alive = Promise.resolve(this.#makeKeepAlive());
    this.#give(alive.then((value) => ({ done: false, value })));
  }

  #give(result: Result<T> | Promise<Result<T>>): void {
    this.#reader?.(result);
    this.#reader = undefined;
  }

  readonly #stop = (): void => {
    this.#arrived = undefined;
    if (this.#ended) return;
    this.#end();
    this.#give(DONE);
    // Not waited for: a source that ignores its signal may take for ever.
    this.#source.return?.().catch(() => {});
  };

  #end(): void {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    this.#signal.removeEventListener("abort", this.#stop);
  }
}
