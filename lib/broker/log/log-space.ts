import type { Usage } from "#lib/task/retention.ts";
import { ask } from "../link/ask.ts";
import { toldAt } from "../link/brokers-clock.ts";
import type { Link } from "../link/link.ts";

/** How much of the log is taken. */
export interface LogUsage extends Usage {
  /** The broker's time when it told this. */
  readonly nowMs: number;
  /** When the oldest event was written; undefined: there is none. */
  readonly oldestMs: number | undefined;
}

/** How full the log is. */
export class LogSpace {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async usage(): Promise<LogUsage> {
    const { jsm, names } = this.#link.use();
    const info = await ask(jsm.streams.info(names.eventsStream));
    const { state, config } = info;
    return {
      bytes: state.bytes,
      maxBytes: config.max_bytes,
      events: state.messages,
      maxEvents: config.max_msgs,
      nowMs: toldAt(info),
      oldestMs: state.messages > 0 ? Date.parse(state.first_ts) : undefined,
    };
  }
}
