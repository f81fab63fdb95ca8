type Listener = (up: boolean) => void;

/** Something that is up or down, such as the link to the broker. */
export interface Line {
  readonly isUp: boolean;
  /** Calls the listener whenever that changes. */
  onChange(listener: Listener): Disposable;
}

/** A line whose owner says when it is up. */
export class OwnedLine implements Line {
  readonly #listeners = new Set<Listener>();
  #up: boolean;

  constructor(up: boolean) {
    this.#up = up;
  }

  get isUp(): boolean {
    return this.#up;
  }

  set(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    for (const listener of this.#listeners) listener(up);
  }

  onChange(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }
}
