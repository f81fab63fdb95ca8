import type { Server } from "@nats-io/nats-core";

/** Which server of its pool the client dials next: by default the one that it would have dialed anyway. */
export class ServerChoice {
  #passedOver: string | undefined;

  /** The next dial goes to another server than this one (`host:port`), if the pool has one. */
  passOver(server: string): void {
    this.#passedOver = server;
  }

  /** Of the others, the one that was not dialed for the longest time, so that each of them has its turn. */
  next(pool: readonly Server[]): Server | undefined {
    const others = pool.filter(({ listen }) => listen !== this.#passedOver);
    const isFree = this.#passedOver === undefined || others.length === 0;
    this.#passedOver = undefined;
    return isFree ? pool[0] : others.toSorted((a, b) => a.lastConnect - b.lastConnect)[0];
  }
}
