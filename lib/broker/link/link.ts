import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { onAbort } from "#lib/async/abort.ts";
import { pause, pauseAbout } from "#lib/async/pause.ts";
import { type Line, OwnedLine } from "#lib/process/line.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { Names } from "../names.ts";
import { isOverLimit, REQUEST_TIMEOUT_MS, unlessLost } from "./ask.ts";
import { askingAgain } from "./asking-again.ts";
import { BrokerUnfit } from "./broker-unfit.ts";
import { BrokersClock } from "./brokers-clock.ts";
import { type DialOptions, dial } from "./dial.ts";
import { hasMajority } from "./has-majority.ts";
import { HistoryIdentity } from "./history-identity.ts";
import { refuseSmallMessages } from "./max-payload.ts";
import { openManager } from "./open-manager.ts";
import { Publisher } from "./publisher.ts";
import { ServerChoice } from "./server-choice.ts";
import { refuseOldServer } from "./server-version.ts";

/** What the broker has to say, to whoever keeps the log. */
export interface BrokerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LinkOptions extends DialOptions {
  /** The environment that it is for; none is one, too. */
  readonly namespace?: string | undefined;
  /** Makes sure that what is used is there, before the link is up and whenever it is to be repaired. */
  readonly prepare: (dialed: Dialed) => Promise<void>;
  readonly log: BrokerLog;
}

/** A connection that works: the server answers, is new enough, and the streams are there. */
export interface Connected {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly publisher: Publisher;
  /** Aborts when the connection is lost. */
  readonly lost: AbortSignal;
}

/** A connection whose streams are yet to be looked at. */
export type Dialed = Pick<Connected, "nc" | "jsm" | "names">;

type Opened = Omit<Connected, "lost" | "publisher">;

interface Prepared extends Opened {
  /** What the link itself asks the server by. */
  readonly own: JetStreamManager;
}

const RETRY_MS = 250;
const LISTEN_EVERY_MS = 2_000;
/** A server that is of no use for this long is left for another one, if there is one. */
const LEFT_AFTER_MS = 3_000;
/** What a connection says of itself when it is not what it was. */
const CHANGES: ReadonlySet<string> = new Set(["disconnect", "close", "reconnect"]);
/** Bytes that no reader of the log takes for an event. */
const NO_EVENT = Uint8Array.of(7);

/**
 * Our end of the line to NATS, for as long as the process lives. It is either up or down; down, every use fails at
 * once with BrokerUnavailable; and it comes up again by itself, however long the broker was away.
 */
export class Link implements Line, AsyncDisposable {
  readonly clock = new BrokersClock();
  /** What everything is called that is asked for over it. */
  readonly names: Names;
  readonly #options: LinkOptions;
  readonly #closing = new AbortController();
  readonly #line = new OwnedLine(false);
  readonly #running: Promise<void>;
  readonly #unfit = Promise.withResolvers<never>();
  #up: Connected | undefined;
  #upSinceMs = 0;
  #losing: AbortController | undefined;
  readonly #said = new Set<string>();
  readonly #choice = new ServerChoice();
  readonly #history = new HistoryIdentity();
  /** When the server that we are connected to was last found to work; at first, when we connected. */
  #workedAtMs = 0;
  #suspected = false;
  #historyInfo: StreamInfo | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.names = new Names(options.namespace);
    this.#unfit.promise.catch(() => {});
    this.#running = this.#run();
  }

  /** Rejects with BrokerUnfit when the broker can't be used, and waiting will not help. */
  get unfit(): Promise<never> {
    return this.#unfit.promise;
  }

  get isUp(): boolean {
    return this.#line.isUp;
  }

  /** For how long it has been up, if it is. */
  get upForMs(): number {
    return performance.now() - this.#upSinceMs;
  }

  /** How often the history was found to be another one, or an older copy, since this process started. */
  get historyReplacements(): number {
    return this.#history.replacements;
  }

  /** What the broker said of the history when it was last asked, which it is every 2 s; undefined: not yet. */
  get historyInfo(): StreamInfo | undefined {
    return this.#historyInfo;
  }

  use(): Connected {
    if (!this.#up) throw new BrokerUnavailable();
    return this.#up;
  }

  onChange(listener: (up: boolean) => void): Disposable {
    return this.#line.onChange(listener);
  }

  /** Resolves when the link is up, at once if it is; or when the signal aborts. */
  async whenUp(signal: AbortSignal): Promise<void> {
    if (this.isUp || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _up = this.onChange((up) => up && resolve());
    using _aborted = onAbort(signal, resolve);
    await promise;
  }

  /** Puts back what was deleted by hand while the link was up. */
  async repair(): Promise<void> {
    await this.#options.prepare(this.use());
  }

  /** Told by whoever wrote to the log and was not answered: goes down until a write succeeds. */
  doubt(): void {
    if (!this.#up) return;
    this.#suspected = true;
    this.#goDown();
  }

  /**
   * Told by whoever asked for something else and was not answered, which other servers than the log's may have to answer:
   * stays up if the log takes a write. A server whose disk was full goes on answering reads, and takes no write again
   * before it is restarted.
   */
  suspect(): void {
    this.#suspected = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      try {
        await this.#serve(await dial(this.#options, this.#choice, closing));
      } catch (error) {
        if (closing.aborted) return;
        this.#complain(error);
        await pauseAbout(RETRY_MS, closing);
      }
    }
  }

  /** Follows one connection, through its reconnects, until it is closed. */
  async #serve(nc: NatsConnection): Promise<void> {
    // Asked to close while it was dialing: there will be no status to wait for.
    if (nc.isClosed()) return;
    using _ = onAbort(this.#closing.signal, () => void nc.close());
    let broken = new AbortController();
    let holding = this.#hold(nc, broken.signal);
    try {
      for await (const { type } of nc.status()) {
        if (!CHANGES.has(type)) continue;
        // Also at a reconnect: for one that was cut off midway the client tells of two, one right after the other.
        broken.abort();
        this.#goDown();
        if (type === "reconnect") {
          await holding;
          broken = new AbortController();
          holding = this.#hold(nc, broken.signal);
        }
      }
    } finally {
      broken.abort();
      this.#goDown();
      await holding;
      await nc.close();
    }
  }

  /** Comes up whenever the broker works, and goes down when it does not, until the connection breaks. */
  async #hold(nc: NatsConnection, broken: AbortSignal): Promise<void> {
    this.#workedAtMs = performance.now();
    while (!broken.aborted) {
      try {
        const { own, ...opened } = await unlessLost(this.#prepare(nc), broken);
        if (broken.aborted) return;
        await this.#listen(own, this.#goUp(opened));
      } catch (error) {
        if (broken.aborted) return;
        this.#fail(nc, error);
      }
      await pauseAbout(RETRY_MS, broken);
    }
  }

  #fail(nc: NatsConnection, error: unknown): void {
    this.#goDown();
    this.#complain(error);
    if (this.#isToBeLeft(nc)) this.#leave(nc);
  }

  /** It may be cut off from the rest of its cluster, and be the only one that is. */
  #isToBeLeft(nc: NatsConnection): boolean {
    return hasOthers(nc) && performance.now() - this.#workedAtMs >= LEFT_AFTER_MS;
  }

  #leave(nc: NatsConnection): void {
    const server = nc.getServer();
    if (this.#isNews(server)) this.#options.log.warn({ server }, "leaving a server that is no use");
    this.#choice.passOver(server);
    // It fails on a connection that is closed, which is over anyway.
    nc.reconnect().catch(() => {});
  }

  /** Checks server and streams after every connect: it may be another server, or one that lost its disk. */
  async #prepare(nc: NatsConnection): Promise<Prepared> {
    refuseOldServer(nc.info?.version ?? "unknown", nc.getServer());
    refuseSmallMessages(nc.info?.max_payload ?? 0, nc.getServer());
    const { names } = this;
    const { prepare, serversSetting } = this.#options;
    const patienceMs = hasOthers(nc) ? LEFT_AFTER_MS : REQUEST_TIMEOUT_MS;
    const own = await openManager(askingAgain(nc), patienceMs, serversSetting);
    await prepare({ nc, jsm: own, names });
    await this.#check(own);
    const js = jetstream(nc, { timeout: REQUEST_TIMEOUT_MS });
    return { own, nc, js, names, jsm: await js.jetstreamManager(false) };
  }

  async #write(jsm: JetStreamManager): Promise<void> {
    try {
      await jsm.jetstream().publish(this.names.writeProbe, NO_EVENT);
    } catch (error) {
      // A full log has answered, too.
      if (!isOverLimit(error)) throw new Error("the log takes no writes", { cause: error });
    }
  }

  /**
   * Throws when nobody answers for the log. A connection says nothing of that: a cluster without a majority, and a server
   * that gave up its disk, keep it open.
   */
  async #listen(own: JetStreamManager, { lost }: Connected): Promise<void> {
    while (!lost.aborted) {
      await pause(LISTEN_EVERY_MS, lost);
      // No longer than the line is there: the next one waits for us to let go of it.
      if (lost.aborted) return;
      await unlessLost(this.#check(own), lost);
      this.#workedAtMs = performance.now();
    }
  }

  async #check(jsm: JetStreamManager): Promise<void> {
    await this.#ask(jsm);
    if (this.#suspected) await this.#write(jsm);
    this.#suspected = false;
  }

  async #ask(jsm: JetStreamManager): Promise<void> {
    const info = await this.clock.setBy(() => jsm.streams.info(this.names.eventsStream));
    this.#historyInfo = info;
    if (!hasMajority(info.cluster)) throw new Error("most servers of the log are away");
    const replaced = this.#history.look(info);
    if (!replaced) return;
    const { endsAt, seen } = replaced;
    const text = `the history was replaced: it ends at ${endsAt}, we had seen ${seen}`;
    this.#options.log.error({ ...replaced }, text);
  }

  #complain(error: unknown): void {
    if (error instanceof BrokerUnfit) this.#unfit.reject(error);
    const reason = errorMessage(error);
    if (!this.#isNews(reason)) return;
    this.#options.log.warn({ reason, servers: this.#options.servers }, "broker is not usable yet");
  }

  /** Whether it was not said since the link was last up: the same thing is said once, however often it is tried. */
  #isNews(said: string): boolean {
    if (this.#said.has(said)) return false;
    this.#said.add(said);
    return true;
  }

  #goUp(opened: Opened): Connected {
    this.#losing = new AbortController();
    const lost = this.#losing.signal;
    this.#up = { ...opened, publisher: new Publisher(opened.nc, lost), lost };
    this.#upSinceMs = performance.now();
    this.#workedAtMs = this.#upSinceMs;
    this.#said.clear();
    this.#options.log.info({ server: opened.nc.getServer() }, "broker is up");
    this.#line.set(true);
    return this.#up;
  }

  #goDown(): void {
    const wasUp = this.#up !== undefined;
    this.#up = undefined;
    this.#losing?.abort(new BrokerUnavailable());
    if (!wasUp) return;
    if (!this.#closing.signal.aborted) this.#options.log.warn({}, "broker is away");
    this.#line.set(false);
  }
}

function hasOthers(nc: NatsConnection): boolean {
  return nc.getServers().length > 1;
}
