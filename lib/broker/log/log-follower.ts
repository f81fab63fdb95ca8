import { type Consumer, DeliverPolicy, type JsMsg, type StreamInfo } from "@nats-io/jetstream";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { onAbort } from "#lib/async/abort.ts";
import { pause } from "#lib/async/pause.ts";
import { type Line, OwnedLine } from "#lib/process/line.ts";
import { ask } from "../link/ask.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import { decodeEvent, type StoredEvent } from "./event-codec.ts";

/** Hears of all that is written, as it was stored. None of it may throw. */
export interface LogListener {
  onStored(event: StoredEvent): void;
  /** The log is another one: all that was heard is void. */
  onReset(): void;
}

export interface FollowerOptions {
  readonly link: Link;
  readonly log: BrokerLog;
  /** Where to begin: with the oldest event, or with the first one from now on. */
  readonly from: "start" | "now";
  /** Called with every event, before it is handed out. Must not throw. */
  readonly onStored?: (event: StoredEvent) => void;
  /** Whether an event is handed out, by its subject: the others are not decoded. Default: all are. */
  readonly isWanted?: (subject: string) => boolean;
  /** Called with every event that is wanted, in order, each once. Must not throw. */
  readonly onEvent: (event: TaskEvent) => void;
  /** Called when the log is not the one that was followed: everything known of it is void. */
  readonly onReset?: () => void;
  /** Called when events written since it began to follow were removed before it could hand them out. */
  readonly onMissed?: () => void;
  /** How often it looks whether the log is still the same, in milliseconds. Default: 3 s. */
  readonly lookEveryMs?: number;
}

interface Followed {
  readonly consumer: Consumer;
  /** Aborts when the log was replaced. */
  readonly replaced: AbortController;
}

/** A pull that is not answered for this long was lost; twice the heartbeat that the client asks for. */
const PULL_EXPIRES_MS = 5_000;
const LOOK_EVERY_MS = 3_000;

/**
 * Follows the whole log with one consumer per process, however many watchers it has: a consumer per watcher costs
 * 62 KB of the broker's memory each, and a fifth of its publish rate. Goes on after an outage where it stopped.
 */
export class LogFollower implements Line, AsyncDisposable {
  readonly #options: FollowerOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #cursor: number | undefined;
  /** The newest event when it began: what had been removed by then was not missed. */
  #head = 0;
  /** What the last look found of what is to come: where the cursor was, and where the log ended. */
  #unseen: { readonly cursor: number; readonly last: number } | undefined;
  #replaced = new AbortController();
  /** When the log that we follow was made. */
  #created: string | undefined;
  readonly #line = new OwnedLine(false);

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#running = keepRunning(options.link, {
      name: "follow the log",
      log: options.log,
      signal: this.#closing.signal,
      run: (connected, signal) => this.#follow(connected, signal),
    });
  }

  /** Sequence of the last event handed out; undefined before it has found its place in the log. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** Whether it follows now, and has handed out all that was in the log when it began to. */
  get isUp(): boolean {
    return this.#line.isUp;
  }

  onChange(listener: (up: boolean) => void): Disposable {
    return this.#line.onChange(listener);
  }

  /** Calls onReset, and hands out all events again, from the oldest one on. */
  startOver(): void {
    this.#created = "";
    this.#replaced.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #follow(connected: Connected, signal: AbortSignal): Promise<void> {
    const { js, jsm, names } = connected;
    this.#place(await ask(jsm.streams.info(names.eventsStream), connected.lost));
    const consumer = await js.consumers.get(names.eventsStream, {
      filter_subjects: [names.allEvents],
      // Never "new": a consumer of that kind, made anew before its first message, replays the whole stream.
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: (this.#cursor ?? 0) + 1,
    });
    const messages = await consumer.consume({
      expires: PULL_EXPIRES_MS,
      max_messages: 1_000,
      // Not iterated over: that is a promise a message, of all tasks and in every gateway.
      callback: (message) => this.#handOut(message),
    });
    const replaced = new AbortController();
    this.#replaced = replaced;
    const ended = AbortSignal.any([signal, replaced.signal]);
    using _ = onAbort(ended, () => messages.stop());
    this.#unseen = undefined;
    const watched = this.#lookAround(connected, { consumer, replaced }, ended);
    try {
      this.#line.set((await ask(consumer.info(true), connected.lost)).num_pending === 0);
      const error = await messages.closed();
      if (error) throw error;
    } finally {
      this.#line.set(false);
      replaced.abort();
      // On a line that is lost there is nobody to ask, and the broker forgets the consumer by itself.
      if (!connected.lost.aborted) {
        await watched;
        await consumer.delete().catch(() => {});
      }
    }
  }

  /**
   * For what no message tells of: the log was replaced by another, with which the client would go on as if it were the
   * same; or its last events were removed before we got them.
   */
  async #lookAround(
    { jsm, names }: Connected,
    { consumer, replaced }: Followed,
    ended: AbortSignal,
  ): Promise<void> {
    while (!ended.aborted) {
      await pause(this.#options.lookEveryMs ?? LOOK_EVERY_MS, ended);
      // Before asking: while the answer is under way, later events may come in.
      const seen = this.#cursor ?? 0;
      const info = await jsm.streams.info(names.eventsStream).catch(() => undefined);
      if (!info || ended.aborted) continue;
      if (this.#isAnother(info, seen)) replaced.abort();
      else if (info.state.last_seq > seen) await this.#lookForMissed(consumer, info.state.last_seq);
    }
  }

  /** What the log had a look ago, and its consumer has not handed out and does not have to come, was removed. */
  async #lookForMissed(consumer: Consumer, last: number): Promise<void> {
    const told = await consumer.info().catch(() => undefined);
    if (!told || told.num_pending > 0) return;
    const [before, cursor] = [this.#unseen, this.#cursor ?? 0];
    this.#unseen = { cursor, last };
    if (before?.cursor !== cursor) return;
    this.#cursor = before.last;
    if (before.last > this.#head) this.#options.onMissed?.();
  }

  #handOut(message: JsMsg): void {
    const { subject, seq, data } = message;
    if (seq > Math.max(this.#cursor ?? 0, this.#head) + 1) this.#options.onMissed?.();
    this.#cursor = seq;
    this.#options.onStored?.(message);
    if (this.#options.isWanted?.(subject) ?? true) {
      const event = decodeEvent({ subject, seq, data, time: message.time });
      if (event) this.#options.onEvent(event);
    }
    if (!this.isUp && message.info.pending === 0) this.#line.set(true);
  }

  #isAnother({ created, state }: StreamInfo, seen: number): boolean {
    return this.#created !== created || state.last_seq < seen;
  }

  /** Where to go on. */
  #place(info: StreamInfo): void {
    const known = this.#created !== undefined;
    if (known && !this.#isAnother(info, this.#cursor ?? 0)) return;
    this.#created = info.created;
    this.#head = info.state.last_seq;
    this.#cursor = this.#options.from === "start" ? 0 : info.state.last_seq;
    if (known) this.#options.onReset?.();
  }
}
