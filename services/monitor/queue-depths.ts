import type { Pause } from "#gen/millrace/v1/queue_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { type DepthByType, isLeft } from "#lib/broker/queues/describe-types.ts";
import {
  oldestWaitingMs,
  type QueueDepth,
  readQueueFigures,
} from "#lib/broker/queues/queue-figures.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { Polling } from "./polling.ts";

/** A queue as the broker described it last. */
export interface QueueStanding extends QueueDepth, DepthByType {
  /** Set: it is paused. */
  readonly pause: Pause | undefined;
}

/** How long its oldest waiting task has waited; undefined if none waits. */
export function oldestOf({ oldestMs }: QueueStanding): number | undefined {
  return oldestMs.size === 0 ? undefined : Math.max(...oldestMs.values());
}

/** How many tasks lie in the queues, as the broker counted them last, and which of them are paused. */
export class QueueDepths {
  readonly polling: Polling;
  readonly #broker: Broker;
  readonly #queues: () => readonly string[];
  readonly #depths = new Map<string, QueueStanding>();

  /** Asks about the queues that are named when it is time to ask again. */
  constructor(broker: Broker, queues: () => readonly string[]) {
    this.#broker = broker;
    this.#queues = queues;
    this.polling = new Polling({ link: broker.link, what: "queue depths", ask: () => this.#ask() });
  }

  /** By queue; undefined as long as the broker has not said. */
  get byQueue(): ReadonlyMap<string, QueueStanding | undefined> {
    return new Map(this.#queues().map((queue) => [queue, this.#depths.get(queue)]));
  }

  async #ask(): Promise<void> {
    await Promise.all(this.#queues().map((queue) => this.#askAbout(queue)));
  }

  async #askAbout(queue: string): Promise<void> {
    try {
      const { link, liveWorkers } = this.#broker;
      const [{ waiting, inFlight, types, settings }, oldestMs] = await Promise.all([
        readQueueFigures(link, queue),
        oldestWaitingMs(link, queue, (type) => isLeft(queue, type, liveWorkers)),
      ]);
      this.#depths.set(queue, { waiting, inFlight, types, oldestMs, pause: settings.pause });
    } catch (error) {
      if (error instanceof BrokerUnavailable) throw error;
      // It answered: there is no such queue, or not yet.
      this.#depths.delete(queue);
    }
  }
}
