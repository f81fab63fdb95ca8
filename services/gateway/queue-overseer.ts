import { pause } from "#lib/async/pause.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { keepRunning } from "#lib/broker/link/keep-running.ts";
import { unservedTypes } from "#lib/broker/queues/describe-types.ts";
import { type QueueFigures, readQueueFigures } from "#lib/broker/queues/queue-figures.ts";
import type { Log } from "#lib/process/log.ts";
import { QueueRates, type Rates } from "./queue-rates.ts";

const EVERY_MS = 5_000;
/** What was seen within this time is recent. */
const RECENT_MS = 1_000;

interface Look {
  readonly atMs: number;
  readonly figures: Promise<QueueFigures>;
}

/**
 * Looks at the queues every few seconds: to know how fast they move, and to see that they are as operators have set
 * them. Whoever set that may have died before the broker did it, or somebody has undone it by hand.
 */
export class QueueOverseer {
  readonly #broker: Broker;
  readonly #log: Log;
  readonly #queues: ReadonlyMap<string, QueueRates>;
  /** Queues in which the last look found entries that nobody hands out. What was just put there may not be counted yet. */
  readonly #stranded = new Set<string>();
  readonly #looks = new Map<string, Look>();
  readonly #last = new Map<string, QueueFigures>();

  constructor(broker: Broker, queues: readonly string[], log: Log) {
    this.#broker = broker;
    this.#log = log;
    this.#queues = new Map(queues.map((queue) => [queue, new QueueRates()]));
  }

  ratesOf(queue: string): Rates {
    return (this.#queues.get(queue) ?? new QueueRates()).rates;
  }

  /** The queue as it stands. */
  async look(queue: string): Promise<QueueFigures> {
    const figures = await readQueueFigures(this.#broker.link, queue);
    this.#queues.get(queue)?.add({ atMs: performance.now(), totals: figures.totals });
    this.#last.set(queue, figures);
    return figures;
  }

  /** The queue as it stood a second ago at most: however many ask, the broker is asked once. */
  recent(queue: string): Promise<QueueFigures> {
    const nowMs = performance.now();
    const look = this.#looks.get(queue);
    if (look && nowMs - look.atMs < RECENT_MS) return look.figures;
    const figures = this.look(queue);
    this.#looks.set(queue, { atMs: nowMs, figures });
    return figures;
  }

  /** The queue as it was last seen, some seconds ago; undefined if it was not yet. */
  last(queue: string): QueueFigures | undefined {
    return this.#last.get(queue);
  }

  /** Tasks that wait and that no live worker serves, by queue and type, as last seen. */
  unserved(): { readonly queue: string; readonly type: string; readonly tasks: number }[] {
    return [...this.#queues.keys()].flatMap((queue) => {
      const figures = this.#last.get(queue);
      if (!figures) return [];
      const types = unservedTypes(queue, figures, this.#broker.liveWorkers);
      return [...types].map(([type, tasks]) => ({ queue, type, tasks }));
    });
  }

  /** Looks again and again until the signal aborts. */
  follow(signal: AbortSignal): Promise<void> {
    return keepRunning(this.#broker.link, {
      name: "oversee queues",
      log: this.#log,
      signal,
      run: async (_connected, until) => {
        while (!until.aborted) {
          for (const queue of this.#queues.keys()) await this.#oversee(queue);
          await pause(EVERY_MS, until);
        }
      },
    });
  }

  async #oversee(queue: string): Promise<void> {
    const { isAsSet, stranded, types } = await this.look(queue);
    await this.#freeStranded(queue, stranded);
    for (const type of types.keys()) await this.#broker.queues.handToOldWorkers(queue, type);
    if (isAsSet) return;
    this.#log.warn({ queue }, "queue is not as it was set; it is set again");
    await this.#broker.queueSettings.enforce(queue);
  }

  async #freeStranded(queue: string, stranded: number): Promise<void> {
    const again = this.#stranded.delete(queue);
    if (stranded === 0) return;
    if (!again) {
      this.#stranded.add(queue);
      return;
    }
    const { lanes, queues } = this.#broker;
    for (const lane of await lanes.restoreStranded(queue)) await queues.untype(lane);
  }
}
