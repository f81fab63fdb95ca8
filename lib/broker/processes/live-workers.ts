import type { Worker } from "#gen/millrace/v1/worker_pb.ts";
import { HEARTBEAT_MS, WORKER_GONE_MS, type WorkerBook } from "./worker-book.ts";

/** A worker that fell silent is missed until then. */
const FORGOTTEN_MS = 600_000;
/** In this time, every worker that lives has given a sign of life. */
const ALL_HEARD_MS = HEARTBEAT_MS + 1_000;

interface Sign {
  readonly worker: Worker;
  readonly atMs: number;
}

/**
 * The workers that show signs of life, by our own clock, for theirs may be wrong. Those that left are forgotten at
 * once, those that fell silent are missed for a while.
 */
export class LiveWorkers {
  readonly #book: Pick<WorkerBook, "follow">;
  readonly #nowMs: () => number;
  readonly #signs = new Map<string, Sign>();
  /** Ids of those that have a handler for the type. */
  readonly #idsByType = new Map<string, Set<string>>();
  /** When a worker that has a handler for the type was last there, of those that are gone. */
  readonly #lastMs = new Map<string, number>();
  #followingSinceMs = Number.POSITIVE_INFINITY;

  /** `nowMs` must not jump, as the clock of the system may. */
  constructor(book: Pick<WorkerBook, "follow">, nowMs: () => number = () => performance.now()) {
    this.#book = book;
    this.#nowMs = nowMs;
  }

  /** Keeps it up to date until the signal aborts. */
  follow(signal: AbortSignal): Promise<void> {
    return this.#book.follow(
      {
        onAlive: (worker) => this.#sawAlive(worker),
        onLeft: (workerId) => this.#forget(workerId),
        onFollowing: () => {
          this.#followingSinceMs = this.#nowMs();
        },
      },
      signal,
    );
  }

  /** False in the first moments, and after an outage: there may be workers that have not been heard yet. */
  get isComplete(): boolean {
    return this.#nowMs() - this.#followingSinceMs >= ALL_HEARD_MS;
  }

  alive(): readonly Worker[] {
    return this.#silentFor(0, WORKER_GONE_MS);
  }

  isAlive(workerId: string): boolean {
    const sign = this.#signs.get(workerId);
    return sign !== undefined && this.#nowMs() - sign.atMs < WORKER_GONE_MS;
  }

  /** Those that should be alive, and are silent. */
  missed(): readonly Worker[] {
    return this.#silentFor(WORKER_GONE_MS, FORGOTTEN_MS);
  }

  /** Those that live, take tasks, and have a handler for the type. */
  serving(type: string): readonly Worker[] {
    return [...(this.#idsByType.get(type) ?? [])].flatMap((id) => {
      const sign = this.#signs.get(id);
      const serves = sign && this.isAlive(id) && !sign.worker.leaving;
      return serves ? [sign.worker] : [];
    });
  }

  /** Those of them that take tasks from the queue. Of no type: all that do. */
  servingFrom(queue: string, type: string): readonly Worker[] {
    const serving =
      type === "" ? this.alive().filter(({ leaving }) => !leaving) : this.serving(type);
    return serving.filter(({ queues }) => queues.includes(queue));
  }

  /** How many tasks workers that serve no more, but may have some of the type still, hold at most. */
  heldWhileLeaving(queue: string, type: string): number {
    const leaving = this.alive().filter(
      (worker) => worker.leaving && worker.queues.includes(queue),
    );
    const mayHold = leaving.filter(({ taskTypes }) => type === "" || taskTypes.includes(type));
    return mayHold.reduce((sum, { running }) => sum + running, 0);
  }

  /** Whether some serve the type, and all of them are of releases that take whatever lies in their queues. */
  onlyOldServe(type: string): boolean {
    const serving = this.serving(type);
    return serving.length > 0 && serving.every(({ takesByType }) => !takesByType);
  }

  /** How long ago a worker that has a handler for the type was last heard; undefined: never, as far as we know. */
  silentMs(type: string): number | undefined {
    const signs = [...(this.#idsByType.get(type) ?? [])].map((id) => this.#signs.get(id)?.atMs);
    const heard = [this.#lastMs.get(type), ...signs].filter((atMs) => atMs !== undefined);
    return heard.length === 0 ? undefined : Math.round(this.#nowMs() - Math.max(...heard));
  }

  #sawAlive(worker: Worker): void {
    const atMs = this.#nowMs();
    // Its types are those of its start.
    if (!this.#signs.has(worker.id)) {
      for (const type of worker.taskTypes) this.#idsOf(type).add(worker.id);
    }
    this.#signs.set(worker.id, { worker, atMs });
    for (const [id, sign] of this.#signs) {
      if (atMs - sign.atMs >= FORGOTTEN_MS) this.#forget(id, sign.atMs);
    }
  }

  #forget(workerId: string, lastMs = this.#nowMs()): void {
    const sign = this.#signs.get(workerId);
    if (!sign) return;
    this.#signs.delete(workerId);
    for (const type of sign.worker.taskTypes) {
      const ids = this.#idsOf(type);
      ids.delete(workerId);
      if (ids.size === 0) this.#idsByType.delete(type);
      this.#lastMs.set(type, Math.max(lastMs, this.#lastMs.get(type) ?? lastMs));
    }
  }

  #idsOf(type: string): Set<string> {
    const known = this.#idsByType.get(type) ?? new Set();
    this.#idsByType.set(type, known);
    return known;
  }

  #silentFor(leastMs: number, mostMs: number): readonly Worker[] {
    const nowMs = this.#nowMs();
    const signs = [...this.#signs.values()].filter(({ atMs }) => {
      const silentMs = nowMs - atMs;
      return silentMs >= leastMs && silentMs < mostMs;
    });
    return signs.map(({ worker }) => worker);
  }
}
