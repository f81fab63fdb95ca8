import { hash } from "node:crypto";

const FIRST_SLOTS = 1_024;
/** Fuller tables are slow to search. */
const FULLEST = 0.7;
/** After a rebuild, half as many again fit in before the next one. */
const ROOM = 1.5;
const FREE = 0;
const DELETED = 0xffff_ffff;

interface Slots {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly numbers: Uint32Array;
}

function slots(count: number): Slots {
  return {
    high: new Uint32Array(count),
    low: new Uint32Array(count),
    numbers: new Uint32Array(count),
  };
}

/**
 * A number for each of millions of ids, in 17 to 34 bytes each: it keeps not the ids but 64 bits of their hashes, so
 * that two of ten million are taken for each other with a chance of one in a hundred thousand.
 */
export class IdTable {
  readonly #isAlive: (number: number) => boolean;
  #slots = slots(FIRST_SLOTS);
  #taken = 0;

  /** Entries whose number is no longer alive are dropped when the table has to grow. */
  constructor(isAlive: (number: number) => boolean) {
    this.#isAlive = isAlive;
  }

  get(id: string): number | undefined {
    const number = this.#slots.numbers[this.#slotOf(...keyOf(id))] ?? FREE;
    return number === FREE || number === DELETED ? undefined : number;
  }

  /** The number must be from 1 to 2³² − 2. */
  set(id: string, number: number): void {
    if (this.#taken >= this.#slots.numbers.length * FULLEST) this.#rebuild();
    this.#put(...keyOf(id), number);
  }

  delete(id: string): void {
    const slot = this.#slotOf(...keyOf(id));
    // Not freed: those that were put behind it would not be found any more.
    if (this.#slots.numbers[slot] !== FREE) this.#slots.numbers[slot] = DELETED;
  }

  #put(high: number, low: number, number: number): void {
    const slot = this.#slotOf(high, low);
    if (this.#slots.numbers[slot] === FREE) this.#taken += 1;
    this.#slots.high[slot] = high;
    this.#slots.low[slot] = low;
    this.#slots.numbers[slot] = number;
  }

  /** Where the key is, or where it may be put. */
  #slotOf(high: number, low: number): number {
    const mask = this.#slots.numbers.length - 1;
    let slot = low & mask;
    while (this.#slots.numbers[slot] !== FREE && !this.#holds(slot, high, low)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #holds(slot: number, high: number, low: number): boolean {
    return this.#slots.high[slot] === high && this.#slots.low[slot] === low;
  }

  #rebuild(): void {
    const former = this.#slots;
    const keep = (number: number) => number !== FREE && number !== DELETED && this.#isAlive(number);
    const kept = former.numbers.reduce((count, number) => count + Number(keep(number)), 0);
    let size = FIRST_SLOTS;
    while (kept * ROOM > size * FULLEST) size *= 2;
    this.#slots = slots(size);
    this.#taken = 0;
    former.numbers.forEach((number, slot) => {
      if (keep(number)) this.#put(former.high[slot] ?? 0, former.low[slot] ?? 0, number);
    });
  }
}

function keyOf(id: string): [high: number, low: number] {
  const bytes = hash("sha1", id, "buffer");
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
