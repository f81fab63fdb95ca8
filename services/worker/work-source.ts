import type { Delivery } from "#lib/broker/delivery.ts";
import type { Connected, Link } from "#lib/broker/link.ts";
import { queueSource, type Source, takeNext, takeNow } from "#lib/broker/pull.ts";
import { LEVELS, SlotDealer } from "#lib/task/priority.ts";

/** Where a worker's tasks come from: its queues in turn, and in each the levels by their weights. */
export class WorkSource {
  readonly #link: Link;
  readonly #dealer = new SlotDealer();
  #queues: readonly string[];

  constructor(link: Link, queues: readonly string[]) {
    this.#link = link;
    this.#queues = queues;
  }

  /** Up to `slots` tasks that wait now. */
  async takeNow(slots: number): Promise<Delivery[]> {
    const connected = this.#link.use();
    const [first = "", ...others] = this.#queues;
    const sources = this.#queues.flatMap(sourcesOf);
    // First each level of the queue whose turn it is gets its share; then whoever has more, in order, gets the rest.
    const dealt = [...this.#dealer.deal(slots)];
    const shares = await Promise.allSettled(
      dealt.map(([level, share]) => takeNow(connected, queueSource(first, level), share)),
    );
    const taken = shares.flatMap((share) => (share.status === "fulfilled" ? share.value : []));
    for (const source of sources) {
      if (taken.length === slots) break;
      taken.push(...(await this.#takeMore(connected, source, { slots, taken: taken.length })));
    }
    // The next turn is another queue's.
    this.#queues = [...others, first];
    return taken;
  }

  /** The next task that comes, or nothing after some seconds. */
  takeNext(leaving: AbortSignal): Promise<Delivery[]> {
    const connected = this.#link.use();
    const signal = AbortSignal.any([leaving, connected.lost]);
    return takeNext(connected, this.#queues.flatMap(sourcesOf), signal);
  }

  /** An error must not cost what is taken already: that is ours to run. */
  async #takeMore(
    connected: Connected,
    source: Source,
    { slots, taken }: { slots: number; taken: number },
  ): Promise<Delivery[]> {
    try {
      return await takeNow(connected, source, slots - taken);
    } catch (error) {
      if (taken > 0) return [];
      throw error;
    }
  }
}

function sourcesOf(queue: string): Source[] {
  return LEVELS.map(({ token }) => queueSource(queue, token));
}
