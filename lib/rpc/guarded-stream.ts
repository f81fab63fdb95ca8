import type { CallLife } from "./call-life.ts";

/**
 * A stream that ends with its call. It stops the source the moment the call is cut short, also while the source is
 * parked or the reader stalls. (Promise.race against one long-lived promise would grow with every message.)
 */
export class GuardedStream<T> implements AsyncIterableIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #life: CallLife;
  #fail: ((error: unknown) => void) | undefined;

  constructor(source: AsyncIterable<T>, life: CallLife) {
    this.#source = source[Symbol.asyncIterator]();
    this.#life = life;
    life.onCut((cut) => {
      this.#fail?.(cut);
      this.#stopSource();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      if (this.#life.cut !== undefined) return reject(this.#life.cut);
      this.#fail = reject;
      this.#source.next().then(
        (result) => {
          if (result.done === true) this.#life.end();
          resolve(result);
        },
        (error) => {
          this.#life.end();
          reject(this.#life.cut ?? error);
        },
      );
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#life.end();
    this.#stopSource();
    return Promise.resolve({ done: true, value: undefined });
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    await this.return();
    throw error;
  }

  /** Waits for nothing: a source that ignores its signal may take for ever. */
  #stopSource(): void {
    this.#source.return?.().catch(() => {});
  }
}
