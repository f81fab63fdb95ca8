import type { StreamInfo } from "@nats-io/jetstream";

/** An answer that took longer says less of the time than the quick one before it, */
const QUICK_MS = 250;
/** unless that was so long ago. */
const OLD_MS = 60_000;

/** What the server tells of a stream, and when it told it, which is missing in the client's types. */
type ToldInfo = StreamInfo & { readonly ts?: string };

/** The broker's time when it told this. */
export function toldAt({ ts }: ToldInfo): number {
  return ts ? Date.parse(ts) : Date.now();
}

/**
 * The broker's time, which the times of tasks go by: ours may be wrong, and be set while we run. Counts on by a clock
 * that nobody sets.
 */
export class BrokersClock {
  /** Told time less that of our steady clock. */
  #aheadMs: number | undefined;
  #setAtMs = 0;

  /** Milliseconds since 1970; by our own clock as long as the broker was never there. */
  nowMs(): number {
    return this.#aheadMs === undefined ? Date.now() : Math.round(performance.now() + this.#aheadMs);
  }

  /** Sets the clock by what `tell` answers. */
  async setBy<Info extends ToldInfo>(tell: () => Promise<Info>): Promise<Info> {
    const askedMs = performance.now();
    const info = await tell();
    const tookMs = performance.now() - askedMs;
    const isOld = this.#aheadMs === undefined || askedMs - this.#setAtMs > OLD_MS;
    if (isOld || tookMs <= QUICK_MS) {
      this.#aheadMs = toldAt(info) - (askedMs + tookMs / 2);
      this.#setAtMs = askedMs;
    }
    return info;
  }
}
