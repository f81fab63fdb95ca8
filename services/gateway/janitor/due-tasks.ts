/** A task whose keep_for may be over at some time. */
export interface Due {
  readonly taskId: string;
  /** Of its spec: a later task may have the same id. */
  readonly specSequence: bigint;
}

/** Tasks by the second in which to look at them. About 100 bytes each, and only of those that have a keep_for. */
export class DueTasks {
  readonly #bySecond = new Map<number, Due[]>();
  #earliest = Number.POSITIVE_INFINITY;

  add(due: Due, atMs: number): void {
    const second = Math.ceil(atMs / 1_000);
    this.#earliest = Math.min(this.#earliest, second);
    const some = this.#bySecond.get(second);
    if (some) some.push(due);
    else this.#bySecond.set(second, [due]);
  }

  /** Takes out those whose time has come. */
  takeDue(nowMs: number): Due[] {
    const now = Math.floor(nowMs / 1_000);
    if (now < this.#earliest) return [];
    const seconds = [...this.#bySecond.keys()].filter((second) => second <= now);
    const due = seconds.sort((a, b) => a - b).flatMap((second) => this.#bySecond.get(second) ?? []);
    for (const second of seconds) this.#bySecond.delete(second);
    this.#earliest = Math.min(...this.#bySecond.keys());
    return due;
  }

  clear(): void {
    this.#bySecond.clear();
    this.#earliest = Number.POSITIVE_INFINITY;
  }
}
