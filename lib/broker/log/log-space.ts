import type { StreamInfo } from "@nats-io/jetstream";
import { hasRoomForNew, type Usage } from "#lib/task/retention.ts";
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
  #lookedAt: StreamInfo | undefined;
  #takenSince = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  async usage(): Promise<LogUsage> {
    const { jsm, names } = this.#link.use();
    const info = await ask(jsm.streams.info(names.eventsStream));
    const { state } = info;
    return {
      ...usageOf(info),
      nowMs: toldAt(info),
      oldestMs: state.messages > 0 ? Date.parse(state.first_ts) : undefined,
    };
  }

  /**
   * Takes room for a new task of so many bytes; false if the log has none for it. By what the broker said within the last
   * two seconds and what was taken here since: a submit must not wait for another answer.
   */
  takeForNew(bytes: number): boolean {
    const info = this.#link.historyInfo;
    if (info !== this.#lookedAt) this.#takenSince = 0;
    this.#lookedAt = info;
    if (info && !hasRoomForNew(usageOf(info), this.#takenSince + bytes)) return false;
    this.#takenSince += bytes;
    return true;
  }
}

function usageOf({ state, config }: StreamInfo): Usage {
  return {
    bytes: state.bytes,
    maxBytes: config.max_bytes,
    events: state.messages,
    maxEvents: config.max_msgs,
  };
}
