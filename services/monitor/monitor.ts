import type { Overview } from "#gen/millrace/v1/monitor_service_pb.ts";
import { pause } from "#lib/async/pause.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { LogFollower } from "#lib/broker/log/log-follower.ts";
import type { LiveWorkers } from "#lib/broker/processes/live-workers.ts";
import type { Line } from "#lib/process/line.ts";
import type { Log } from "#lib/process/log.ts";
import { Departed } from "./departed.ts";
import { Figures } from "./fold/figures.ts";
import { HistoryUsage } from "./history-usage.ts";
import { InputNames } from "./input-names.ts";
import { overviewOf } from "./overview.ts";
import { QueueDepths } from "./queue-depths.ts";

const HOUR_MS = 3_600_000;

/** Reading the whole log is too much work to be done more often. */
const READ_ANEW_AFTER_MS = 10_000;

export interface MonitorOptions {
  readonly broker: Broker;
  readonly queues: readonly string[];
  readonly historyHours: number;
  readonly gatewayUrl: string | undefined;
  readonly namespace: string | undefined;
  readonly log: Log;
}

/** Knows what the system as a whole is doing: the log folded from its start, and what broker and workers say now. */
export class Monitor implements AsyncDisposable {
  readonly depths: QueueDepths;
  readonly history: HistoryUsage;
  readonly inputNames = new InputNames();
  readonly #options: MonitorOptions;
  readonly #follower: LogFollower;
  readonly #departed = new Departed();
  #figures: Figures;
  /** The same, except while the log is read anew. */
  #reading: Figures;
  #hasMissed = false;
  #whole = false;

  constructor(options: MonitorOptions) {
    const { broker, log } = options;
    this.#options = options;
    this.#figures = this.#nothingYet();
    this.#reading = this.#figures;
    this.depths = new QueueDepths(broker, () => this.#queues());
    this.history = new HistoryUsage(broker);
    this.#follower = new LogFollower({
      link: broker.link,
      log,
      from: "start",
      onEvent: (event) => this.#reading.apply(event),
      onReset: () => this.#startOver(),
      onMissed: () => {
        this.#hasMissed = true;
      },
    });
    this.#follower.onChange((up) => {
      if (up) this.#figures = this.#reading;
    });
  }

  /** The environment that it watches; empty: it has no name. */
  get namespace(): string {
    return this.#options.namespace ?? "";
  }

  get workers(): LiveWorkers {
    return this.#options.broker.liveWorkers;
  }

  /** The broker's time, by which the events are; nothing in the log is of the future. */
  nowMs(): number {
    return Math.max(this.#options.broker.clock.nowMs(), this.#figures.newestMs);
  }

  /** What the log says by now. */
  figures(): Figures {
    this.#departed.apply(this.#reading);
    this.#figures.forget(this.nowMs());
    return this.#figures;
  }

  /** Up while the log is followed, and read to its end. */
  get line(): Line {
    return this.#follower;
  }

  /** Whether the figures are of the whole log, if perhaps an older one: before, they are of no use as totals. */
  get isWhole(): boolean {
    this.#whole ||= this.#follower.isUp;
    return this.#whole;
  }

  /** Whether the figures are those of now. */
  get isUpToDate(): boolean {
    const isPolled = this.depths.polling.isFresh && this.history.polling.isFresh;
    return this.#follower.isUp && isPolled;
  }

  overview(): Overview {
    return overviewOf({
      figures: this.figures(),
      depths: this.depths.byQueue,
      workers: this.workers,
      upToDate: this.isUpToDate,
      gatewayUrl: this.#options.gatewayUrl,
      namespace: this.namespace,
      history: this.history.newest,
      mayName: (type) => this.inputNames.learn(type),
      nowMs: this.nowMs(),
    });
  }

  /** Keeps the rest up to date until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { broker, log } = this.#options;
    await Promise.all([
      broker.liveWorkers.follow(signal),
      this.depths.polling.follow(log, signal),
      this.history.polling.follow(log, signal),
      broker.departures.follow(this.#departed, signal),
      this.#makeUpForMissed(signal),
    ]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#follower[Symbol.asyncDispose]();
  }

  #queues(): readonly string[] {
    return [
      ...new Set([...this.#options.queues, ...this.#figures.series.map(({ queue }) => queue)]),
    ];
  }

  /** Among the events that were removed before we saw them may be the marks of deleted tasks: who reads anew is right. */
  async #makeUpForMissed(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(READ_ANEW_AFTER_MS, signal);
      this.#departed.apply(this.#reading);
      if (!this.#follower.isUp) continue;
      this.#hasMissed = this.#departed.takeGap() || this.#hasMissed;
      if (!this.#hasMissed) continue;
      this.#options.log.info({}, "events were removed before they were read; reading the log anew");
      this.#follower.startOver();
    }
  }

  /** What is known stays as it is until the log was read to its end. */
  #startOver(): void {
    this.#options.log.info({}, "reading the log from its start");
    this.#hasMissed = false;
    this.#reading = this.#nothingYet();
  }

  #nothingYet(): Figures {
    return new Figures(this.#options.historyHours * HOUR_MS);
  }
}
