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
    const taken: Delivery[] = [];
    for (const queue of this.#queues) {
      taken.push(...(await this.#takeFrom(connected, queue, slots - taken.length)));
      if (taken.length === slots) break;
    }
    // The next one to ask first is another queue.
    const [first, ...others] = this.#queues;
    if (first !== undefined) this.#queues = [...others, first];
    return taken;
  }

  /** The next task that comes, or nothing after some seconds. */
  takeNext(leaving: AbortSignal): Promise<Delivery[]> {
    const connected = this.#link.use();
    const signal = AbortSignal.any([leaving, connected.lost]);
    return takeNext(connected, this.#queues.flatMap(sourcesOf), signal);
  }

  /** First each level its share; then what is left of the slots to whoever has more, the most urgent first. */
  async #takeFrom(connected: Connected, queue: string, slots: number): Promise<Delivery[]> {
    const dealt = [...this.#dealer.deal(slots)];
    const shares = await Promise.allSettled(
      dealt.map(([level, share]) => takeNow(connected, queueSource(queue, level), share)),
    );
    const taken = shares.flatMap((share) => (share.status === "fulfilled" ? share.value : []));
    for (const source of sourcesOf(queue)) {
      if (taken.length === slots) break;
      taken.push(...(await takeNow(connected, source, slots - taken.length)));
    }
    return taken;
  }
}

function sourcesOf(queue: string): Source[] {
  return LEVELS.map(({ token }) => queueSource(queue, token));
}
