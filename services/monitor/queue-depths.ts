import type { Pause } from "#gen/millrace/v1/queue_service_pb.ts";
import { pause } from "#lib/async/pause.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { keepRunning } from "#lib/broker/link/keep-running.ts";
import type { DepthByType } from "#lib/broker/queues/describe-types.ts";
import {
  oldestWaitingMs,
  type QueueDepth,
  readQueueFigures,
} from "#lib/broker/queues/queue-figures.ts";
import type { Log } from "#lib/process/log.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";

const POLL_MS = 2_000;

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
  readonly #broker: Broker;
  readonly #queues: () => readonly string[];
  readonly #depths = new Map<string, QueueStanding>();
  #fresh = false;

  /** Asks about the queues that are named when it is time to ask again. */
  constructor(broker: Broker, queues: () => readonly string[]) {
    this.#broker = broker;
    this.#queues = queues;
  }

  /** Whether the broker answered when it was asked last. */
  get isFresh(): boolean {
    return this.#fresh && this.#broker.link.isUp;
  }

  /** By queue; undefined as long as the broker has not said. */
  get byQueue(): ReadonlyMap<string, QueueStanding | undefined> {
    return new Map(this.#queues().map((queue) => [queue, this.#depths.get(queue)]));
  }

  /** Asks again and again while the link is up, until the signal aborts. */
  follow(log: Log, signal: AbortSignal): Promise<void> {
    return keepRunning(this.#broker.link, {
      name: "ask for queue depths",
      log,
      signal,
      run: async (_connected, until) => {
        this.#fresh = false;
        while (!until.aborted) {
          this.#fresh = await this.#ask(log);
          await pause(POLL_MS, until);
        }
      },
    });
  }

  /** False when the broker did not answer; what it said before is left standing then. */
  async #ask(log: Log): Promise<boolean> {
    try {
      await Promise.all(this.#queues().map((queue) => this.#askAbout(queue)));
      return true;
    } catch (error) {
      if (this.#fresh) log.warn({ err: error }, "queue depths are not known now");
      return false;
    }
  }

  async #askAbout(queue: string): Promise<void> {
    try {
      const { link } = this.#broker;
      const [{ waiting, inFlight, types, settings }, oldestMs] = await Promise.all([
        readQueueFigures(link, queue),
        oldestWaitingMs(link, queue),
      ]);
      this.#depths.set(queue, { waiting, inFlight, types, oldestMs, pause: settings.pause });
    } catch (error) {
      if (error instanceof BrokerUnavailable) throw error;
      // It answered: there is no such queue, or not yet.
      this.#depths.delete(queue);
    }
  }
}
