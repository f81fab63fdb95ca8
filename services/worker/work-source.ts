import type { Connected, Link } from "#lib/broker/link/link.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { queueSource, type Source, takeNext, takeNow } from "#lib/broker/queues/pull.ts";
import { LEVELS, SlotDealer } from "#lib/task/priority.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import type { Slots } from "./slots.ts";

export interface WorkSourceOptions {
  readonly link: Link;
  readonly queues: readonly string[];
  readonly slots: Slots;
  readonly running: RunningAttempts;
}

/** Where a worker's tasks come from: its queues in turn, and in each the levels by their weights. */
export class WorkSource {
  readonly #options: WorkSourceOptions;
  /** One for each queue: dealt by one, a level's turn could fall to the same queue for ever. */
  readonly #dealers: ReadonlyMap<string, SlotDealer>;
  /** The queue first whose turn was longest ago. */
  #turns: readonly string[];

  constructor(options: WorkSourceOptions) {
    this.#options = options;
    this.#dealers = new Map(options.queues.map((queue) => [queue, new SlotDealer()]));
    this.#turns = options.queues;
  }

  /** Tasks that wait now, as many as there are free slots for, in all and of each queue. */
  async takeNow(): Promise<Delivery[]> {
    const connected = this.#options.link.use();
    const open = this.#open();
    const [first] = open;
    if (first === undefined) return [];
    // The next turn is another queue's. A queue that has no free slot now does not lose its own.
    this.#turns = [...this.#turns.filter((queue) => queue !== first), first];
    // First each level of the queue whose turn it is gets its share; then whoever has more, in order, gets the rest.
    const taken = await this.#takeShares(connected, first);
    for (const source of open.flatMap(sourcesOf)) {
      const count = this.#roomFor(source.queue, taken);
      if (count > 0) taken.push(...(await takeMore(connected, source, { count, taken })));
    }
    return taken;
  }

  /** The next task that comes; or nothing after some seconds, or when a queue that had no free slot gets one. */
  async takeNext(leaving: AbortSignal): Promise<Delivery[]> {
    const { link, queues, slots, running } = this.#options;
    const connected = link.use();
    const open = this.#open();
    const full = queues.filter((queue) => !open.includes(queue));
    const freed = new AbortController();
    using _ = running.onEnd(() => {
      if (full.some((queue) => slots.freeOf(queue) > 0)) freed.abort();
    });
    const signal = AbortSignal.any([leaving, connected.lost, freed.signal]);
    return await takeNext(connected, open.flatMap(sourcesOf), signal);
  }

  #open(): string[] {
    return this.#turns.filter((queue) => this.#options.slots.freeOf(queue) > 0);
  }

  #roomFor(queue: string, taken: readonly Delivery[]): number {
    const { slots } = this.#options;
    const ofQueue = taken.filter((delivery) => delivery.queue === queue).length;
    return Math.min(slots.free - taken.length, slots.freeOf(queue) - ofQueue);
  }

  async #takeShares(connected: Connected, queue: string): Promise<Delivery[]> {
    const dealt = this.#dealers.get(queue)?.deal(this.#options.slots.freeOf(queue)) ?? [];
    const shares = await Promise.allSettled(
      [...dealt].map(([level, share]) => takeNow(connected, queueSource(queue, level), share)),
    );
    return shares.flatMap((share) => (share.status === "fulfilled" ? share.value : []));
  }
}

interface QueueSource extends Source {
  readonly queue: string;
}

function sourcesOf(queue: string): QueueSource[] {
  return LEVELS.map(({ token }) => ({ queue, ...queueSource(queue, token) }));
}

/** An error must not cost what is taken already: that is ours to run. */
async function takeMore(
  connected: Connected,
  source: Source,
  { count, taken }: { count: number; taken: readonly Delivery[] },
): Promise<Delivery[]> {
  try {
    return await takeNow(connected, source, count);
  } catch (error) {
    if (taken.length > 0) return [];
    throw error;
  }
}
