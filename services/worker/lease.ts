import type { Delivery } from "#lib/broker/delivery.ts";

/** Our hold on a task. The broker may deliver it to us anew while we have it: then that delivery is the one that counts. */
export class Lease {
  #delivery: Delivery;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  renew(delivery: Delivery): void {
    this.#delivery = delivery;
  }

  extend(): void {
    this.#delivery.extend();
  }

  done(): void {
    this.#delivery.done();
  }

  putBack(delayMs?: number): void {
    this.#delivery.putBack(delayMs);
  }
}
