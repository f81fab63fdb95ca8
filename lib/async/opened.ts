const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A stream that is opened when it is first read. As an async generator that hands on another stream, but an item does not
 * pass through promises of its own. A reader that leaves while it is being opened stops it when it is open.
 */
export function opened<T>(open: () => Promise<AsyncIterable<T>>): AsyncIterableIterator<T> {
  return new Opened(open);
}

class Opened<T> implements AsyncIterableIterator<T> {
  readonly #open: () => Promise<AsyncIterable<T>>;
  #source: AsyncIterator<T> | undefined;
  #isOver = false;

  constructor(open: () => Promise<AsyncIterable<T>>) {
    this.#open = open;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#isOver) return Promise.resolve(DONE);
    return this.#source?.next() ?? this.#first();
  }

  async return(): Promise<IteratorResult<T>> {
    this.#isOver = true;
    await this.#source?.return?.();
    return DONE;
  }

  async #first(): Promise<IteratorResult<T>> {
    try {
      this.#source = (await this.#open())[Symbol.asyncIterator]();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    if (!this.#isOver) return this.#source.next();
    await this.#source.return?.();
    return DONE;
  }
}
