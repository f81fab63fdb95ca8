import { type Line, OwnedLine } from "./line.ts";

/** Whether a service can do its work now, as the sum of its parts. A part is red, with a reason, until it says otherwise. */
export class Readiness {
  readonly #reasons = new Map<string, string>();
  readonly #line: OwnedLine;

  constructor(parts: readonly string[]) {
    for (const part of parts) this.#reasons.set(part, "starting");
    this.#line = new OwnedLine(parts.length === 0);
  }

  get ready(): boolean {
    return this.#line.isUp;
  }

  /** Why the service is not ready, by part. */
  get reasons(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#reasons);
  }

  red(part: string, reason: string): void {
    this.#reasons.set(part, reason);
    this.#line.set(false);
  }

  green(part: string): void {
    this.#reasons.delete(part);
    this.#line.set(this.#reasons.size === 0);
  }

  /** Keeps a part as green as what it stands for is up. */
  follow(part: string, line: Line, why = "away"): Disposable {
    const show = (up: boolean) => (up ? this.green(part) : this.red(part, why));
    show(line.isUp);
    return line.onChange(show);
  }

  /** Calls the listener whenever `ready` changes. */
  onChange(listener: (ready: boolean) => void): Disposable {
    return this.#line.onChange(listener);
  }
}
