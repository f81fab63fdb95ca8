interface Arrival<T> {
  readonly source: AsyncGenerator<T>;
  readonly value: T;
}

/**
 * Reads any number of sources at once and hands out what they bring as it comes, of each source in order. A source is
 * asked for more when what it brought was taken: a reader that stalls stalls them all.
 */
export class Merge<T> implements Disposable {
  readonly #arrived: Arrival<T>[] = [];
  /** The one whose item the reader was given last. */
  #taken: AsyncGenerator<T> | undefined;
  #open = 0;
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Sources that have not ended. */
  get size(): number {
    return this.#open;
  }

  add(source: AsyncGenerator<T>): void {
    this.#open += 1;
    this.#advance(source);
  }

  /** Ends the reading with the error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** Ends the reading, and every source: at once, or when it next brings something. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    if (this.#taken) end(this.#taken);
    for (const { source } of this.#arrived.splice(0)) end(source);
    this.#wake?.();
  }

  /** What the sources bring, until all have ended. Fails when one of them does. */
  async *items(): AsyncGenerator<T> {
    for (let next = await this.#next(); next; next = await this.#next()) {
      yield next.value;
      this.#advance(next.source);
    }
  }

  async #next(): Promise<Arrival<T> | undefined> {
    while (!this.#stopped) {
      if (this.#failure) throw this.#failure.error;
      if (this.#open === 0) return undefined;
      const arrival = this.#arrived.shift();
      this.#taken = arrival?.source;
      if (arrival) return arrival;
      await this.#something();
    }
    return undefined;
  }

  #advance(source: AsyncGenerator<T>): void {
    source.next().then(
      (result) => this.#arrive(source, result),
      (error) => {
        this.#open -= 1;
        this.fail(error);
      },
    );
  }

  #arrive(source: AsyncGenerator<T>, result: IteratorResult<T>): void {
    if (result.done) this.#open -= 1;
    else if (this.#stopped) end(source);
    else this.#arrived.push({ source, value: result.value });
    this.#wake?.();
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function end(source: AsyncGenerator<unknown>): void {
  source.return(undefined).catch(() => {});
}
