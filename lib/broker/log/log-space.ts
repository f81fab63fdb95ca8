import type { Usage } from "#lib/task/retention.ts";
import { ask } from "../link/ask.ts";
import { toldAt } from "../link/brokers-clock.ts";
import type { Link } from "../link/link.ts";
import { EVENTS_STREAM } from "../names.ts";

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
    const info = await ask(this.#link.use().jsm.streams.info(EVENTS_STREAM));
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
