import { onAbort } from "#lib/async/abort.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Link } from "../link/link.ts";

/** Tasks that have succeeded, and leave the log now. */
export interface Departure {
  readonly taskIds: readonly string[];
  /**
   * Sequence of the last event of each: a task that was accepted after it is another one of the id. Earlier releases
   * don't tell.
   */
  readonly sequences?: readonly number[];
  /** Sequence of the last event of any of them. */
  readonly sequence: number;
}

interface DeparturesListener {
  onLeft(departure: Departure): void;
  /** Whatever left before this is not told. */
  onFollowing(): void;
}

/**
 * Tells whoever counts tasks which ones leave the log: nothing in the log says so, for a mark for each of them would cost
 * as much as another event. Who has missed some reads the log anew.
 */
export class Departures {
  readonly #link: Link;
  readonly #log: BrokerLog;

  constructor(link: Link, log: BrokerLog) {
    this.#link = link;
    this.#log = log;
  }

  tell(departure: Departure): void {
    if (departure.taskIds.length === 0) return;
    const { nc, names } = this.#link.use();
    nc.publish(names.departures, JSON.stringify(departure));
  }

  /** Calls back with every departure until the signal aborts, but for those while the broker is away. */
  follow(listener: DeparturesListener, signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow departures",
      log: this.#log,
      signal,
      run: async ({ nc, names }, until) => {
        const departures = nc.subscribe(names.departures);
        using _ = onAbort(until, () => departures.unsubscribe());
        await nc.flush();
        listener.onFollowing();
        for await (const departure of departures) listener.onLeft(departure.json<Departure>());
      },
    });
  }
}
