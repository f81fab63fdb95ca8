import { type Lane, laneToken } from "#lib/broker/names.ts";
import { type LevelToken, LevelTurns } from "#lib/task/priority.ts";
import type { Slots } from "./slots.ts";

/** A lane that the worker has handlers for. */
export interface Served {
  readonly lane: Lane;
  /** How many tasks wait in it, as far as we know. */
  waiting: number;
  /** Whether a pull is out. */
  asked: boolean;
  /** Slots that are kept for what the pull may bring. */
  promised: number;
}

interface QueueShare {
  /** Slots that are free, and promised to none of its lanes. */
  room: number;
  /** Its lanes in which tasks wait. */
  readonly busy: Served[];
}

type Free = Pick<Slots, "free" | "freeOf">;

/**
 * The lanes that a worker takes from, and who gets its free slots: the queues in turn, in each the levels by their
 * weights, and in each of those the types in turn.
 */
export class ServedLanes {
  /** By queue and token; the one first whose turn was longest ago. */
  readonly #lanes = new Map<string, Served>();
  /** One for each queue: dealt by one, a level's turn could fall to the same queue for ever. */
  readonly #levels: ReadonlyMap<string, LevelTurns>;
  /** By queue, a level whose turn it is, and whose pull is still out. */
  readonly #due = new Map<string, LevelToken>();
  /** The queue first whose turn was longest ago. */
  #turns: readonly string[];

  constructor(queues: readonly string[]) {
    this.#levels = new Map(queues.map((queue) => [queue, new LevelTurns()]));
    this.#turns = queues;
  }

  /** Forgets the lanes, but not whose turn it is. */
  clear(): void {
    this.#lanes.clear();
    this.#due.clear();
  }

  /** False if it is there already. */
  add(lane: Lane): boolean {
    const key = keyOf(lane);
    if (this.#lanes.has(key)) return false;
    this.#lanes.set(key, { lane, waiting: 0, asked: false, promised: 0 });
    return true;
  }

  find(lane: Lane): Served | undefined {
    return this.#lanes.get(keyOf(lane));
  }

  /** Lanes in which nothing waits that we know of, and at which nobody of ours waits. */
  quiet(slots: Free): Served[] {
    const isOpen = new Map(this.#turns.map((queue) => [queue, slots.freeOf(queue) > 0]));
    return [...this.#lanes.values()].filter(
      ({ lane, asked, waiting }) => !asked && waiting === 0 && isOpen.get(lane.queue),
    );
  }

  /** Promises the free slots to lanes in which tasks wait, and says to which. */
  deal(slots: Free): ReadonlySet<Served> {
    const shares = this.#shares(slots);
    const dealt = new Set<Served>();
    let free = slots.free - sum([...this.#lanes.values()]);
    while (free > 0) {
      const next = this.#next(shares, dealt);
      if (!next) break;
      next.promised += 1;
      dealt.add(next);
      free -= 1;
    }
    return dealt;
  }

  #shares(slots: Free): ReadonlyMap<string, QueueShare> {
    const shares = new Map<string, QueueShare>(
      this.#turns.map((queue) => [queue, { room: slots.freeOf(queue), busy: [] }]),
    );
    for (const served of this.#lanes.values()) {
      const share = shares.get(served.lane.queue);
      if (!share) continue;
      share.room -= served.promised;
      if (served.waiting > 0) share.busy.push(served);
    }
    return shares;
  }

  /** The lane that gets the next free slot. */
  #next(shares: ReadonlyMap<string, QueueShare>, dealt: ReadonlySet<Served>): Served | undefined {
    for (const queue of this.#turns) {
      const share = shares.get(queue);
      const next = share && share.room > 0 ? this.#nextOf(queue, share.busy, dealt) : undefined;
      if (!share || !next) continue;
      share.room -= 1;
      this.#turns = [...this.#turns.filter((each) => each !== queue), queue];
      return next;
    }
    return undefined;
  }

  /** Undefined when the pull of the level whose turn it is is still out: its turn is not given to another meanwhile. */
  #nextOf(queue: string, busy: readonly Served[], dealt: ReadonlySet<Served>): Served | undefined {
    const waiting = busy.filter((each) => each.waiting > each.promised);
    const withWork = new Set(waiting.map(({ lane }) => lane.level));
    const due = this.#due.get(queue);
    const level = due && withWork.has(due) ? due : this.#levels.get(queue)?.next(withWork);
    const mayTake = (each: Served) => !each.asked || dealt.has(each);
    const next = waiting.find((each) => each.lane.level === level && mayTake(each));
    if (level && !next) this.#due.set(queue, level);
    else this.#due.delete(queue);
    if (next) this.#hadItsTurn(next);
    return next;
  }

  #hadItsTurn(served: Served): void {
    const key = keyOf(served.lane);
    this.#lanes.delete(key);
    this.#lanes.set(key, served);
  }
}

function sum(lanes: readonly Served[]): number {
  return lanes.reduce((total, { promised }) => total + promised, 0);
}

export function keyOf(lane: Lane): string {
  return `${lane.queue} ${laneToken(lane)}`;
}
