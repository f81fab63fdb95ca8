import type { StoredMsg, StreamInfo } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { isTerminalEvent } from "#lib/task/life.ts";
import { ask } from "../link/ask.ts";
import { toldAt } from "../link/brokers-clock.ts";
import { isWrongSequence } from "../link/is-wrong-sequence.ts";
import type { Connected, Link } from "../link/link.ts";
import { streamCreated } from "../link/stream-created.ts";
import { decodeEvent } from "./event-codec.ts";
import { readBatch } from "./read-batch.ts";
import type { SeenEvent, Step, Tail } from "./tail.ts";

/** Events read at once: smaller batches cost the broker more for each, and they come with up to 64 KiB of input or output. */
const BATCH = { maxMessages: 1_000, maxBytes: 8 * 2 ** 20 };

export interface LogCursorOptions {
  readonly link: Link;
  readonly replicas: number;
  /** Its place in the log is kept under this name, for whoever goes on. */
  readonly name: string;
  readonly facet: Step;
  /** Events are handed out when they were written this long ago. */
  readonly ageMs: number;
  /** What need not be read, for it was heard of. */
  readonly tail?: () => Tail | undefined;
  /** Streams without which the log is not the whole truth: when one of them was made anew, the cursor starts over. */
  readonly besides: readonly string[];
}

/** Where a cursor stands. */
interface Place {
  /** When each of its streams was made. In another log, a sequence means nothing. */
  readonly made: Readonly<Record<string, string>>;
  readonly sequence: number;
}

interface Kept extends Place {
  readonly revision: number;
}

/** Called with events, oldest first, and the broker's time. */
type SeeTo = (events: readonly SeenEvent[], nowMs: number) => Promise<void>;

/** Events that came of age. */
interface Part {
  readonly events: readonly SeenEvent[];
  /** To be called when they were seen to: the sequence up to which nothing is left to see to. */
  readonly done: () => number;
  /** Whether there are no more for now. */
  readonly isLast: boolean;
}

/**
 * Goes through all events of a facet in their order, and hands each out when it has come of age; of those that a tail has
 * heard of, only the ones whose tasks have not gone on. Its place is kept in the broker and moves only when a batch has been
 * seen to: a process that dies half-way leaves the batch to the next one. So an event may be handed out twice, and is never
 * left out but by a tail. No consumer with acknowledgements: of two that pull from the same one by mistake, one could
 * acknowledge what the other has not seen to.
 */
export class LogCursor {
  readonly #options: LogCursorOptions;

  constructor(options: LogCursorOptions) {
    this.#options = options;
  }

  /** Hands out all that came of age since the last pass. */
  async pass(seeTo: SeeTo, signal: AbortSignal): Promise<void> {
    const connected = this.#options.link.use();
    const bucket = await this.#open(connected);
    const info = await ask(connected.jsm.streams.info(connected.names.eventsStream));
    // Tasks age by it: a clock of ours that is wrong must not end them.
    const nowMs = toldAt(info);
    const bornMs = nowMs - this.#options.ageMs;
    let place = await this.#place(connected, bucket, info);
    while (place && !signal.aborted) {
      const { events, done, isLast } =
        this.#heard(place, bornMs) ?? (await this.#read(connected, place, bornMs));
      if (events.length > 0) await seeTo(events, nowMs);
      const sequence = done();
      if (sequence > place.sequence) place = await this.#keep(bucket, { ...place, sequence });
      if (isLast) return;
    }
  }

  /** Undefined: there is something from before the tail. */
  #heard(place: Place, bornMs: number): Part | undefined {
    const tail = this.#options.tail?.();
    if (!tail || place.sequence < tail.after) return undefined;
    const events = tail.due(this.#options.facet, bornMs, BATCH.maxMessages);
    const isLast = events.length < BATCH.maxMessages;
    return { events, done: () => tail.release(events), isLast };
  }

  async #read(connected: Connected, place: Place, bornMs: number): Promise<Part> {
    const subject = connected.names.eventSubject("*", this.#options.facet);
    const read: StoredMsg[] = [];
    const batch = { from: place.sequence + 1, subject, ...BATCH };
    await readBatch(connected, batch, (message) => void read.push(message));
    const young = read.findIndex(({ time }) => time.getTime() > bornMs);
    const due = young < 0 ? read : read.slice(0, young);
    const events = due.map(decodeEvent).filter((event) => event !== undefined);
    return {
      events: events.map((event) => ({ ...event, isEnd: isTerminalEvent(event) })),
      done: () => this.#seenTo(due.at(-1)?.seq ?? place.sequence, read[young]?.seq),
      isLast: due.length < read.length || due.length === 0,
    };
  }

  /** What was read up to the tail is all that was there, if something behind it was read: a replica may lag. */
  #seenTo(sequence: number, next: number | undefined): number {
    const after = this.#options.tail?.()?.after ?? 0;
    return next !== undefined && next > after ? Math.max(sequence, after) : sequence;
  }

  #open({ js, names }: Connected): Promise<KV> {
    const { replicas } = this.#options;
    return ask(new Kvm(js).create(names.cursorsBucket, { history: 1, replicas }));
  }

  async #place(
    connected: Connected,
    bucket: KV,
    { created, state }: StreamInfo,
  ): Promise<Kept | undefined> {
    const made: Record<string, string> = { [connected.names.eventsStream]: created };
    for (const stream of this.#options.besides) {
      const streamMade = await streamCreated(connected, stream);
      if (streamMade !== undefined) made[stream] = streamMade;
    }
    const entry = await ask(bucket.get(this.#options.name));
    const revision = entry?.revision ?? 0;
    const kept = entry?.operation === "PUT" ? entry.json<Place>() : undefined;
    const goesOn = kept && isSame(kept.made, made) && kept.sequence <= state.last_seq;
    // What the tail has handed out already is to be seen to once more.
    if (kept && !goesOn) this.#options.tail?.()?.restart();
    // One that is not there now is remembered, so that the next one of its name is found to be new.
    return { made: { ...kept?.made, ...made }, sequence: goesOn ? kept.sequence : 0, revision };
  }

  /** Undefined when someone else has moved it, who then also goes on. */
  async #keep(bucket: KV, { revision, ...place }: Kept): Promise<Kept | undefined> {
    try {
      const stored = await ask(
        bucket.put(this.#options.name, JSON.stringify(place), { previousSeq: revision }),
      );
      return { ...place, revision: stored };
    } catch (error) {
      if (isWrongSequence(error)) return undefined;
      throw error;
    }
  }
}

/** Whether none was made anew; one that we have not known is no reason to start over. */
function isSame(before: Place["made"], now: Place["made"]): boolean {
  return Object.entries(now).every(([stream, made]) => (before[stream] ?? made) === made);
}
