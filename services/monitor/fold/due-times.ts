/** The time at which something is due. Withdrawn ones stay where they are until they come first. */
interface DueTime {
  readonly dueMs: number;
  withdrawn: boolean;
}

/** When each of millions of things is due; the earliest of them is known at once. */
export class DueTimes<Thing> {
  readonly #timeOf = new Map<Thing, DueTime>();
  /** A binary heap: none is due before its parent, which is at half its place. */
  readonly #heap: DueTime[] = [];

  set(thing: Thing, dueMs: number): void {
    this.delete(thing);
    this.#dropWithdrawn();
    const time = { dueMs, withdrawn: false };
    this.#timeOf.set(thing, time);
    this.#heap.push(time);
    this.#rise(this.#heap.length - 1);
  }

  delete(thing: Thing): void {
    const time = this.#timeOf.get(thing);
    if (!time) return;
    time.withdrawn = true;
    this.#timeOf.delete(thing);
  }

  /** Undefined if nothing is due at any time. */
  earliestMs(): number | undefined {
    this.#dropWithdrawn();
    return this.#heap[0]?.dueMs;
  }

  #dropWithdrawn(): void {
    while (this.#heap[0]?.withdrawn) {
      const last = this.#heap.pop();
      if (!last || this.#heap.length === 0) return;
      this.#heap[0] = last;
      this.#sink(0);
    }
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#dueAt(parent) <= this.#dueAt(place)) return;
      this.#swap(parent, place);
      place = parent;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      const child = this.#dueAt(left + 1) < this.#dueAt(left) ? left + 1 : left;
      if (this.#dueAt(place) <= this.#dueAt(child)) return;
      this.#swap(place, child);
      place = child;
    }
  }

  #dueAt(place: number): number {
    return this.#heap[place]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [atA, atB] = [this.#heap[a], this.#heap[b]];
    if (!atA || !atB) return;
    this.#heap[a] = atB;
    this.#heap[b] = atA;
  }
}
