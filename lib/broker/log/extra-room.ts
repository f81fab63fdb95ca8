import { JetStreamApiError, type StreamConfig } from "@nats-io/jetstream";
import { Semaphore } from "#lib/async/semaphore.ts";
import { HistoryFull } from "#lib/task/errors.ts";
import { ask } from "../link/ask.ts";
import type { Link } from "../link/link.ts";

/** For a few events of the largest kind. */
const EXTRA_BYTES = 256 * 1024;
/** Of two processes that lend at once, the second must not take the raised limit for the one to put back. */
const OWN_LIMIT = "millrace-max-bytes";

/**
 * Lets a full log take a state change, without which nothing could end and leave. Its limit is raised for as long as the write takes. A process
 * that dies meanwhile, or another that does the same, may leave it raised until a janitor's next repair.
 */
export class ExtraRoom {
  readonly #link: Link;
  readonly #turn = new Semaphore(1);

  constructor(link: Link) {
    this.#link = link;
  }

  /** Throws HistoryFull where the server has no more to give. */
  async lend<T>(write: () => Promise<T>): Promise<T> {
    using _ = await this.#turn.take();
    const { jsm, names } = this.#link.use();
    const { config, state } = await ask(jsm.streams.info(names.eventsStream));
    const { [OWN_LIMIT]: lent, ...metadata } = config.metadata ?? {};
    const own = Number(lent ?? config.max_bytes);
    const raised = Math.max(own, state.bytes) + EXTRA_BYTES;
    await this.#change({ max_bytes: raised, metadata: { ...metadata, [OWN_LIMIT]: String(own) } });
    try {
      return await write();
    } finally {
      await this.#change({ max_bytes: own, metadata }).catch(() => {});
    }
  }

  async #change(limit: Pick<StreamConfig, "max_bytes" | "metadata">): Promise<void> {
    const { jsm, names } = this.#link.use();
    try {
      await ask(jsm.streams.update(names.eventsStream, limit));
    } catch (error) {
      throw error instanceof JetStreamApiError ? new HistoryFull({ cause: error }) : error;
    }
  }
}
