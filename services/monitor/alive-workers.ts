import type { Worker } from "#gen/millrace/v1/worker_pb.ts";
import { WORKER_GONE_MS } from "#lib/broker/processes/worker-book.ts";

/** A worker that fell silent is missed until then. */
const FORGOTTEN_MS = 600_000;

interface Sign {
  readonly worker: Worker;
  readonly atMs: number;
}

/**
 * The workers that show signs of life, by our own clock, for theirs may be wrong. Those that left are forgotten at
 * once, those that fell silent are missed for a while.
 */
export class AliveWorkers {
  readonly #signs = new Map<string, Sign>();

  sawAlive(worker: Worker, atMs: number): void {
    this.#signs.set(worker.id, { worker, atMs });
    for (const [id, sign] of this.#signs) {
      if (atMs - sign.atMs >= FORGOTTEN_MS) this.#signs.delete(id);
    }
  }

  sawLeave(workerId: string): void {
    this.#signs.delete(workerId);
  }

  alive(nowMs: number): readonly Worker[] {
    return this.#silentFor(nowMs, 0, WORKER_GONE_MS);
  }

  /** Those that should be alive, and are silent. */
  missed(nowMs: number): readonly Worker[] {
    return this.#silentFor(nowMs, WORKER_GONE_MS, FORGOTTEN_MS);
  }

  #silentFor(nowMs: number, leastMs: number, mostMs: number): readonly Worker[] {
    const signs = [...this.#signs.values()].filter(({ atMs }) => {
      const silentMs = Math.max(0, nowMs - atMs);
      return silentMs >= leastMs && silentMs < mostMs;
    });
    return signs.map(({ worker }) => worker);
  }
}
