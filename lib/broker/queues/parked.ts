import { JetStreamApiCodes, JetStreamApiError, type StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { ask } from "../link/ask.ts";
import type { Link } from "../link/link.ts";
import { afterRepair } from "../link/request.ts";
import { foundAtOf } from "../names.ts";

/** A message as it was found. */
export interface Found {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** A message that was put aside. */
export interface Parked {
  readonly sequence: number;
  /** When it was put aside. */
  readonly time: Date;
  /** Where it was found. */
  readonly subject: string;
  readonly reason: string;
  readonly data: Uint8Array;
}

export interface ParkedDepth {
  readonly count: number;
  /** When the oldest was put aside; undefined if there is none. */
  readonly oldestTime: Date | undefined;
  /** Sequence of the newest that there ever was. */
  readonly newest: number;
}

const REASON = "Millrace-Reason";
/** What subject and reason take of the largest message that the broker accepts; more than enough. */
const OVERHEAD_BYTES = 8 * 1024;
/** More in one answer would not fit through a gRPC client's limit of 4 MiB. */
const PAGE_BYTES = 2 * 1024 * 1024;

/** What could not be read as a task: put aside, so that it neither blocks a queue nor is lost. */
export class ParkedMessages {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Puts a message aside. To be waited for before the message is let go of. */
  async add(found: Found, reason: string): Promise<void> {
    // So says a broker that is there, too, when somebody has deleted the stream.
    const isUnanswered = (error: unknown) => error instanceof BrokerUnavailable;
    await afterRepair(this.#link, () => this.#write(found, reason), isUnanswered);
  }

  async #write({ subject, data }: Found, reason: string): Promise<void> {
    const { js, nc, names } = this.#link.use();
    const room = (nc.info?.max_payload ?? 0) - OVERHEAD_BYTES;
    const isCut = data.length > room;
    const why = headers();
    why.set(REASON, isCut ? `${reason}; of its ${data.length} bytes, the first are here` : reason);
    const kept = isCut ? data.subarray(0, room) : data;
    await ask(js.publish(names.parkedSubject(subject), kept, { headers: why }));
  }

  /** Up to `limit` of them after the sequence, oldest first; fewer if they are large. */
  async list(after: number, limit: number): Promise<Parked[]> {
    const { jsm, names } = this.#link.use();
    const listed: Parked[] = [];
    let bytes = 0;
    let from = after + 1;
    while (listed.length < limit) {
      const query = { seq: from, next_by_subj: names.allParked };
      const stored = await ask(jsm.streams.getMessage(names.parkedStream, query));
      bytes += stored?.data.length ?? 0;
      if (!stored || (listed.length > 0 && bytes > PAGE_BYTES)) return listed;
      listed.push(parkedOf(stored));
      from = stored.seq + 1;
    }
    return listed;
  }

  /** Removes one for good. False if it was not there. */
  async delete(sequence: number): Promise<boolean> {
    const { jsm, names } = this.#link.use();
    try {
      return await ask(jsm.streams.deleteMessage(names.parkedStream, sequence, false));
    } catch (error) {
      if (error instanceof JetStreamApiError && NOT_THERE.includes(error.code)) return false;
      throw error;
    }
  }

  async depth(): Promise<ParkedDepth> {
    const { jsm, names } = this.#link.use();
    const { state } = await ask(jsm.streams.info(names.parkedStream));
    const { messages: count, first_ts: first, last_seq: newest } = state;
    return { count, oldestTime: count === 0 ? undefined : new Date(first), newest };
  }
}

const MESSAGE_DELETE_FAILED = 10_057;
const NOT_THERE: readonly number[] = [
  MESSAGE_DELETE_FAILED,
  JetStreamApiCodes.NoMessageFound,
  JetStreamApiCodes.StreamNotFound,
];

function parkedOf({ seq, time, subject, header, data }: StoredMsg): Parked {
  return {
    sequence: seq,
    time,
    subject: foundAtOf(subject),
    reason: header.get(REASON),
    data,
  };
}
