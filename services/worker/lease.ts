import type { Delivery } from "#lib/broker/queues/delivery.ts";

/** Our hold on a task. The broker may deliver it to us anew while we have it: then that delivery is the one that counts. */
export class Lease {
  #delivery: Delivery;
  #lapsed = false;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  renew(delivery: Delivery): void {
    this.#delivery = delivery;
  }

  extend(): void {
    if (!this.#lapsed) this.#delivery.extend();
  }

  /**
   * Extends no more, for the task went on without us: the broker would take it for a sign of whoever has it now, and
   * not notice should that one die.
   */
  lapse(): void {
    this.#lapsed = true;
  }

  done(): void {
    this.#delivery.done();
  }

  putBack(delayMs?: number): void {
    this.#delivery.putBack(delayMs);
  }
}
