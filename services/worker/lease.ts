import type { Delivery } from "#lib/broker/queues/delivery.ts";

/**
 * A process that was frozen for so long may have lost its tasks to others, and not know it yet: with a margin, for the
 * broker's patience of 8 s counts from when a beat reaches it.
 */
const FROZEN_MS = 4_500;

/** Our hold on a task. The broker may deliver it to us anew while we have it: then that delivery is the one that counts. */
export class Lease {
  #delivery: Delivery;
  #lapsed = false;
  #sureAtMs = performance.now();
  #isDoubtful = false;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  renew(delivery: Delivery): void {
    this.#delivery = delivery;
    this.#sureAtMs = performance.now();
    this.#isDoubtful = false;
  }

  extend(): void {
    this.#look();
    this.#sureAtMs = performance.now();
    if (!this.#lapsed) this.#delivery.extend();
  }

  /**
   * Extends no more, for the task went on without us: the broker would take it for a sign of whoever has it now, and
   * not notice should that one die.
   */
  lapse(): void {
    this.#lapsed = true;
  }

  /**
   * Lets go of what needs no worker any more. Not when it may be another's by now: the broker takes the acknowledgement of
   * an old delivery for that of the new one (nats-server#4786). Then whoever is given it next finds nothing to do.
   */
  done(): void {
    this.#look();
    if (!this.#isDoubtful) this.#delivery.done();
  }

  putBack(delayMs?: number): void {
    this.#delivery.putBack(delayMs);
  }

  #look(): void {
    if (performance.now() - this.#sureAtMs > FROZEN_MS) this.#isDoubtful = true;
  }
}
