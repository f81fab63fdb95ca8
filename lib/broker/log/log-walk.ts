import { AckPolicy, type Consumer, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { ask } from "../link/ask.ts";
import type { Connected, Link } from "../link/link.ts";
import type { Facet } from "../names.ts";
import type { StoredEvent } from "./event-codec.ts";

/** The least that the client waits for messages that are gone meanwhile. */
const WAIT_MS = 1_000;
/** A busy broker may hand out nothing for longer than that. */
const MOST_TRIES = 5;
/** The broker forgets the place of a walk that nobody goes on with. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;

interface WalkOptions {
  readonly link: Link;
  /** Undefined: all of them. One or all, for to look for several at once makes the broker search block by block. */
  readonly facet: Facet | undefined;
  /** Whether only subjects, sequences and times are wanted. */
  readonly headersOnly?: boolean;
}

interface Walking {
  readonly connected: Connected;
  readonly consumer: Consumer;
  pending: number;
}

/**
 * Walks through the events of a facet from the oldest one on, for as long as wanted. By a consumer, not by batches:
 * each batch makes the broker count all subjects of the log, which for millions of them takes a quarter of a second, and
 * writes wait for that. A consumer makes it count once.
 */
export class LogWalk {
  readonly #options: WalkOptions;
  #walking: Walking | undefined;
  #begun = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** How often it has begun with the oldest event. */
  get begun(): number {
    return this.#begun;
  }

  /** The next events, in order; none: that were all, for now. Begins anew after the connection was lost. */
  async next(most: number): Promise<StoredEvent[]> {
    const walking = await this.#resume();
    try {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const events = await fetchSome(walking, most);
        if (events.length > 0 || (await isAtEnd(walking))) return events;
      }
      return [];
    } catch (error) {
      this.#walking = undefined;
      throw error;
    }
  }

  /** Goes back to the oldest event. */
  async rewind(): Promise<void> {
    const { consumer, connected } = this.#walking ?? {};
    this.#walking = undefined;
    if (consumer && !connected?.lost.aborted) await consumer.delete().catch(() => {});
  }

  async #resume(): Promise<Walking> {
    const connected = this.#options.link.use();
    if (this.#walking?.connected === connected) return this.#walking;
    const { facet, headersOnly = false } = this.#options;
    const { js, jsm, names } = connected;
    const { name, num_pending } = await ask(
      jsm.consumers.add(names.eventsStream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.All,
        filter_subject: facet ? names.eventSubject("*", facet) : names.allEvents,
        headers_only: headersOnly,
        inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
        mem_storage: true,
        num_replicas: 1,
      }),
    );
    const consumer = await ask(js.consumers.get(names.eventsStream, name));
    this.#walking = { connected, consumer, pending: num_pending };
    this.#begun += 1;
    return this.#walking;
  }
}

/** What came in since the walk was at its end is found by asking. */
async function isAtEnd(walking: Walking): Promise<boolean> {
  if (walking.pending === 0) walking.pending = (await ask(walking.consumer.info())).num_pending;
  return walking.pending === 0;
}

/** Nothing within the time: those that the broker counted were removed meanwhile, or it is busy. */
async function fetchSome(walking: Walking, most: number): Promise<StoredEvent[]> {
  const { consumer } = walking;
  if (await isAtEnd(walking)) return [];
  const wanted = Math.min(most, walking.pending);
  const messages = await ask(consumer.fetch({ max_messages: wanted, expires: WAIT_MS }));
  const events: StoredEvent[] = [];
  for await (const message of messages) {
    events.push(storedEvent(message));
    walking.pending = message.info.pending;
  }
  if (events.length < wanted) walking.pending = 0;
  return events;
}

function storedEvent({ subject, seq, data, time }: JsMsg): StoredEvent {
  return { subject, seq, data, time };
}
