interface StreamHooks<T> {
  /** What the reader gets instead of the item; or what it throws, which does not end the source. */
  readonly mapItem?: (item: T) => T;
  /** What the reader gets instead of the error. */
  readonly mapError?: (error: unknown) => unknown;
  /** Called once: with nothing at the stream's end, with the error, or with STOPPED when the reader stopped. */
  readonly onEnd?: (error?: unknown) => void;
}

/** Says that the reader stopped before the end. */
export const STOPPED = Symbol("stopped");

/** The same stream, with hooks. Passes everything on, so that a reader that stops, stops the source. */
export function hooked<T>(source: AsyncIterable<T>, hooks: StreamHooks<T>): AsyncIterable<T> {
  // One for all hooks: each would take every item through a promise of its own.
  return source instanceof Hooked
    ? new Hooked(source.source, joined(source.hooks, hooks))
    : new Hooked(source, hooks);
}

function joined<T>(inner: StreamHooks<T>, outer: StreamHooks<T>): StreamHooks<T> {
  return {
    mapItem: (item) => {
      const mapped = inner.mapItem?.(item) ?? item;
      return outer.mapItem?.(mapped) ?? mapped;
    },
    mapError: (error) => {
      const mapped = inner.mapError?.(error) ?? error;
      return outer.mapError?.(mapped) ?? mapped;
    },
    onEnd: (error) => {
      inner.onEnd?.(error);
      outer.onEnd?.(error);
    },
  };
}

class Hooked<T> implements AsyncIterable<T> {
  readonly source: AsyncIterable<T>;
  readonly hooks: StreamHooks<T>;

  constructor(source: AsyncIterable<T>, hooks: StreamHooks<T>) {
    this.source = source;
    this.hooks = hooks;
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return new HookedStream(this.source[Symbol.asyncIterator](), this.hooks);
  }
}

class HookedStream<T> implements AsyncIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #hooks: StreamHooks<T>;
  #ended = false;

  constructor(source: AsyncIterator<T>, hooks: StreamHooks<T>) {
    this.#source = source;
    this.#hooks = hooks;
  }

  next(): Promise<IteratorResult<T>> {
    return this.#source.next().then(
      (result) => {
        if (result.done !== true)
          return { value: this.#hooks.mapItem?.(result.value) ?? result.value };
        this.#end();
        return result;
      },
      (error) => {
        const mapped = this.#hooks.mapError?.(error) ?? error;
        this.#end(mapped);
        throw mapped;
      },
    );
  }

  async return(): Promise<IteratorResult<T>> {
    this.#end(STOPPED);
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    await this.return();
    throw error;
  }

  #end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hooks.onEnd?.(error);
  }
}
