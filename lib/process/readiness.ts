type Listener = (ready: boolean) => void;

/** Something that is up or down, such as the link to the broker. */
export interface Line {
  readonly isUp: boolean;
  onChange(listener: Listener): Disposable;
}

/** Whether a service can do its work now, as the sum of its parts. A part is red, with a reason, until it says otherwise. */
export class Readiness {
  readonly #reasons = new Map<string, string>();
  readonly #listeners = new Set<Listener>();

  constructor(parts: readonly string[]) {
    for (const part of parts) this.#reasons.set(part, "starting");
  }

  get ready(): boolean {
    return this.#reasons.size === 0;
  }

  /** Why the service is not ready, by part. */
  get reasons(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#reasons);
  }

  red(part: string, reason: string): void {
    this.#change(() => this.#reasons.set(part, reason));
  }

  green(part: string): void {
    this.#change(() => this.#reasons.delete(part));
  }

  /** Keeps a part as green as what it stands for is up. */
  follow(part: string, line: Line): Disposable {
    const show = (up: boolean) => (up ? this.green(part) : this.red(part, "away"));
    show(line.isUp);
    return line.onChange(show);
  }

  /** Calls the listener whenever `ready` changes. */
  onChange(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  #change(change: () => void): void {
    const before = this.ready;
    change();
    if (this.ready === before) return;
    for (const listener of this.#listeners) listener(this.ready);
  }
}
