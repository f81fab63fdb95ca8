import type { StoredMsg } from "@nats-io/jetstream";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { ask } from "../link/ask.ts";
import type { Link } from "../link/link.ts";
import type { Facet } from "../names.ts";
import { decodeEvent } from "./event-codec.ts";
import { type Part, readSpan, type Span } from "./history.ts";
import { readNewest } from "./read-batch.ts";

/**
 * Each batch makes the broker count what matches, 10 ms for a log of 100,000 tasks: so a batch is large, and its bytes
 * are bounded, for it is held in memory.
 */
const BATCH = { maxMessages: 4_096, maxBytes: 4 * 1024 * 1024 };

/** What to look for. */
export interface Sought extends Span {
  readonly facet: Facet;
  readonly isWanted: (event: TaskEvent) => boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads the log across tasks. 100,000 tasks take seconds, at the
 * cost of one batch of memory.
 */
export class LogScan {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Sequence of the newest event, as the leader has it. */
  async head(): Promise<number> {
    const { jsm, names } = this.#link.use();
    const info = await ask(jsm.streams.info(names.eventsStream));
    return info.state.last_seq;
  }

  /**
   * Every wanted event of this facet within the span, of all tasks, in order, batch by batch, until the signal aborts.
   */
  async *events({ facet, isWanted, signal, ...span }: Sought): AsyncGenerator<Part<TaskEvent>> {
    const asked = { subject: this.#link.names.eventSubject("*", facet), ...span, ...BATCH };
    const pick = (message: StoredMsg) => {
      const event = decodeEvent(message);
      return event && isWanted(event) ? event : undefined;
    };
    for await (const part of readSpan(this.#link.use(), asked, pick)) {
      if (signal.aborted) return;
      yield part;
    }
  }

  /**
   * The newest event of each of the facets, by task. Of any replica: one that lags may not have the newest yet.
   */
  async newest(
    taskIds: readonly string[],
    facets: readonly Facet[],
  ): Promise<Map<string, TaskEvent[]>> {
    const { names } = this.#link;
    const subjects = taskIds.flatMap((id) => facets.map((facet) => names.eventSubject(id, facet)));
    const messages = await readNewest(this.#link.use(), subjects);
    const events = messages.map(decodeEvent).filter((event) => event !== undefined);
    return Map.groupBy(events, ({ taskId }) => taskId);
  }
}
