import { pause } from "#lib/async/pause.ts";
import type { Link } from "#lib/broker/link/link.ts";
import { readUntaken, type Untaken } from "#lib/broker/queues/untaken.ts";
import type { Log } from "#lib/process/log.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import type { Slots } from "./slots.ts";
import { longestMs, type Standing, standing } from "./standstill.ts";
import { WorkerStalled } from "./worker-stalled.ts";

export interface WatchdogOptions {
  readonly link: Link;
  readonly queues: readonly string[];
  /** Full names of the task types that there are handlers for. */
  readonly types: { has(type: string): boolean };
  readonly slots: Slots;
  /** False while the worker takes nothing for a reason of its own. */
  readonly mayTake: () => boolean;
  readonly readiness: Readiness;
  readonly log: Log;
}

/** How long a queue may stand still while we have a free slot for its tasks. */
export interface Patience {
  readonly lookEveryMs: number;
  /** Then the worker says so, and has the broker's settings put right. */
  readonly mendAfterMs: number;
  /** Then it ends. */
  readonly giveUpAfterMs: number;
}

const PATIENCE: Patience = { lookEveryMs: 5_000, mendAfterMs: 15_000, giveUpAfterMs: 60_000 };

/** The part of the readiness that turns red. */
const PART = "deliveries";

/**
 * Notices that a worker gets nothing although it is connected, has a free slot, and tasks wait: whatever the reason, it
 * would else go on asking for ever, and look well.
 *
 * A queue stands still when the oldest task of one of its lanes is the same at every look. That other workers get tasks
 * while we get none is no standstill: tasks are handed out in their order, so what waits is then not kept from anyone,
 * and of those who ask each gets its turn. And what could keep them from us alone is our own line to the broker, of
 * which pings and pulls without an answer tell. But a task that stays the oldest one while we ask for it would not be
 * given to anyone else either.
 */
export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #patience: Patience;
  readonly #standing = new Map<string, Standing>();
  /** Queues that are known to stand still. */
  readonly #stalled = new Set<string>();
  readonly #gaveUp = new AbortController();

  constructor(options: WatchdogOptions, patience = PATIENCE) {
    this.#options = options;
    this.#patience = patience;
  }

  /** Aborts, with WorkerStalled, when nothing has helped. */
  get gaveUp(): AbortSignal {
    return this.#gaveUp.signal;
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.#patience.lookEveryMs, signal);
      for (const queue of this.#options.queues) {
        if (signal.aborted) return;
        await this.#look(queue);
      }
    }
  }

  async #look(queue: string): Promise<void> {
    const { lookEveryMs, mendAfterMs, giveUpAfterMs } = this.#patience;
    const untaken = await this.#untakenFor(queue);
    const heads = new Map(untaken?.oldest.map(({ lane, sequence }) => [lane, sequence]));
    const now = standing(this.#standing.get(queue) ?? new Map(), heads, lookEveryMs);
    this.#standing.set(queue, now);
    const standsMs = longestMs(now);
    if (!untaken || standsMs < mendAfterMs) this.#allIsWell(queue);
    else if (standsMs >= giveUpAfterMs) this.#gaveUp.abort(new WorkerStalled(queue, standsMs));
    else if (!this.#stalled.has(queue)) await this.#mend(queue, untaken, standsMs);
  }

  /** Undefined when it is no wonder that we get nothing. */
  async #untakenFor(queue: string): Promise<Untaken | undefined> {
    const { link, types, slots, mayTake, log } = this.#options;
    if (!link.isUp || !mayTake() || slots.freeOf(queue) === 0) return undefined;
    try {
      return await readUntaken(link, queue, ({ type }) => type === "" || types.has(type));
    } catch (err) {
      log.debug({ err, queue }, "can't tell whether the queue moves");
      return undefined;
    }
  }

  async #mend(queue: string, { count, oldest }: Untaken, standsMs: number): Promise<void> {
    const { link, slots, readiness, log } = this.#options;
    this.#stalled.add(queue);
    const stands = `the queue ${queue} has not moved for ${standsMs / 1_000} s`;
    readiness.red(PART, `${stands}; tasks waiting in it: ${count}`);
    const figures = { queue, waiting: count, standsMs, freeSlots: slots.freeOf(queue) };
    log.warn({ ...figures, oldest }, "tasks wait, a slot is free, and nothing is delivered");
    try {
      await link.repair();
    } catch (err) {
      log.warn({ err, queue }, "the queue's settings can't be put right");
    }
  }

  #allIsWell(queue: string): void {
    if (!this.#stalled.delete(queue)) return;
    this.#options.log.info({ queue }, "no standstill any more");
    if (this.#stalled.size === 0) this.#options.readiness.green(PART);
  }
}
