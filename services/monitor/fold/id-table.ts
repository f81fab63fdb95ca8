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
  /** What the lower 32 bits leave of them. */
  readonly sequences: Uint32Array;
}

interface Entry {
  readonly high: number;
  readonly low: number;
  readonly number: number;
  readonly sequence: number;
}

function slots(count: number): Slots {
  return {
    high: new Uint32Array(count),
    low: new Uint32Array(count),
    numbers: new Uint32Array(count),
    sequences: new Uint32Array(count),
  };
}

/**
 * A number for each of millions of ids, and the sequence that it is of, in 23 to 46 bytes each: it keeps not the ids but
 * 64 bits of their hashes, so that two of ten million are taken for each other with a chance of one in a hundred thousand.
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
  set(id: string, number: number, sequence: number): void {
    if (this.#taken >= this.#slots.numbers.length * FULLEST) this.#rebuild();
    const [high, low] = keyOf(id);
    this.#put({ high, low, number, sequence });
  }

  /** Whether the id has a number, and of a later sequence. No two of a log are 2³¹ apart. */
  isAfter(id: string, sequence: number): boolean {
    const own = this.#slots.sequences[this.#slotOf(...keyOf(id))] ?? 0;
    return this.get(id) !== undefined && ((own - sequence) | 0) > 0;
  }

  delete(id: string): void {
    const slot = this.#slotOf(...keyOf(id));
    // Not freed: those that were put behind it would not be found any more.
    if (this.#slots.numbers[slot] !== FREE) this.#slots.numbers[slot] = DELETED;
  }

  #put({ high, low, number, sequence }: Entry): void {
    const slot = this.#slotOf(high, low);
    if (this.#slots.numbers[slot] === FREE) this.#taken += 1;
    this.#slots.high[slot] = high;
    this.#slots.low[slot] = low;
    this.#slots.numbers[slot] = number;
    this.#slots.sequences[slot] = sequence;
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
    for (let slot = 0; slot < former.numbers.length; slot += 1) {
      if (keep(former.numbers[slot] ?? FREE)) this.#put(entryAt(former, slot));
    }
  }
}

function entryAt({ high, low, numbers, sequences }: Slots, slot: number): Entry {
  return {
    high: high[slot] ?? 0,
    low: low[slot] ?? 0,
    number: numbers[slot] ?? FREE,
    sequence: sequences[slot] ?? 0,
  };
}

function keyOf(id: string): [high: number, low: number] {
  const bytes = hash("sha1", id, "buffer");
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
