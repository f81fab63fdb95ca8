import { onAbort } from "#lib/async/abort.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Link } from "../link/link.ts";

/** An accepted task that found no room tries again within this time; so when none has tried for longer, none waits. */
const STALE_MS = 3_000;
const TELL_EVERY_MS = 500;

/**
 * Full queues for whose room accepted tasks wait: a retry, a restart, a task whose start time has come. They go before new
 * submits, which would else take each place that gets free.
 */
export class RoomWanted {
  readonly #link: Link;
  readonly #log: BrokerLog;
  readonly #sinceMs = new Map<string, number>();
  readonly #toldMs = new Map<string, number>();

  constructor(link: Link, log: BrokerLog) {
    this.#link = link;
    this.#log = log;
  }

  has(queue: string): boolean {
    const sinceMs = this.#sinceMs.get(queue);
    return sinceMs !== undefined && performance.now() - sinceMs < STALE_MS;
  }

  /** To be called whenever an accepted task found no room. The other gateways are told, too. */
  tell(queue: string): void {
    const nowMs = performance.now();
    this.#sinceMs.set(queue, nowMs);
    if (nowMs - (this.#toldMs.get(queue) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return;
    this.#toldMs.set(queue, nowMs);
    const { nc, names } = this.#link.use();
    nc.publish(names.roomWantedSubject(queue));
  }

  /** Hears of the other gateways' until the signal aborts. */
  follow(signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow full queues",
      log: this.#log,
      signal,
      run: async ({ nc, names }, until) => {
        const told = nc.subscribe(names.roomWantedSubject("*"));
        using _ = onAbort(until, () => told.unsubscribe());
        for await (const { subject } of told)
          this.#sinceMs.set(queueAt(subject), performance.now());
      },
    });
  }
}

function queueAt(subject: string): string {
  return subject.split(".").at(-1) ?? "";
}
