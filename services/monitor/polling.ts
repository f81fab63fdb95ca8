import { pause } from "#lib/async/pause.ts";
import { keepRunning } from "#lib/broker/link/keep-running.ts";
import type { Link } from "#lib/broker/link/link.ts";
import type { Log } from "#lib/process/log.ts";

const EVERY_MS = 2_000;

interface PollingOptions {
  readonly link: Link;
  /** What is asked for. */
  readonly what: string;
  /** Rejects when the broker does not answer. */
  readonly ask: () => Promise<void>;
}

/** Asks the broker for something again and again, and knows whether it answered last. */
export class Polling {
  readonly #options: PollingOptions;
  #fresh = false;

  constructor(options: PollingOptions) {
    this.#options = options;
  }

  /** Whether the broker answered when it was asked last. */
  get isFresh(): boolean {
    return this.#fresh && this.#options.link.isUp;
  }

  /** Asks while the link is up, until the signal aborts. */
  follow(log: Log, signal: AbortSignal): Promise<void> {
    const { link, what } = this.#options;
    return keepRunning(link, {
      name: `ask for ${what}`,
      log,
      signal,
      run: async (_connected, until) => {
        this.#fresh = false;
        while (!until.aborted) {
          this.#fresh = await this.#ask(log);
          await pause(EVERY_MS, until);
        }
      },
    });
  }

  /** False when the broker did not answer; what it said before is left standing then. */
  async #ask(log: Log): Promise<boolean> {
    const { what, ask } = this.#options;
    try {
      await ask();
      return true;
    } catch (error) {
      if (this.#fresh) log.warn({ err: error }, `${what} are not known now`);
      return false;
    }
  }
}
