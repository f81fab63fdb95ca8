import { pause } from "#lib/async/pause.ts";
import { timeoutSignal } from "#lib/async/timers.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { BEAT_MS, type Delivery } from "#lib/broker/queues/delivery.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { type AttemptOptions, runAttempt } from "./run-attempt.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import { Slots, type SlotsOptions } from "./slots.ts";
import { CLEAN_UP_MS } from "./stops.ts";
import { Watchdog } from "./watchdog.ts";
import { WorkSource } from "./work-source.ts";

export interface WorkerOptions extends AttemptOptions, SlotsOptions {
  /** Queues that it takes tasks from. */
  readonly queues: readonly string[];
  /** How long running attempts may take to finish when the worker leaves. */
  readonly leaveGraceMs: number;
  readonly readiness: Readiness;
}

const AFTER_OUTAGE_MS = 1_000;
/** Time to write outcomes down after the grace, before the process ends without. */
const SETTLE_MS = 3_000;

/** Takes tasks from its queues, as many as it has free slots, and runs their attempts. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #running: RunningAttempts;
  readonly #slots: Slots;
  readonly #source: WorkSource;
  readonly #watchdog: Watchdog;
  readonly #broker: Broker;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#running = options.running;
    this.#broker = options.broker;
    this.#slots = new Slots(options);
    const slots = this.#slots;
    this.#source = new WorkSource({ ...options, slots });
    const { broker, room } = options;
    const mayTake = () => room.isShared;
    this.#watchdog = new Watchdog({ ...options, link: broker.link, slots, mayTake });
  }

  /**
   * Works until asked to leave; then finishes, or hands back, what it has. Leaves by itself, and throws WorkerStalled,
   * when it can't get at tasks that wait.
   */
  async run(leaving: AbortSignal): Promise<void> {
    const { gaveUp } = this.#watchdog;
    const stop = AbortSignal.any([leaving, gaveUp]);
    await Promise.all([this.#work(stop), this.#watchdog.run(stop)]);
    gaveUp.throwIfAborted();
  }

  async #work(leaving: AbortSignal): Promise<void> {
    const { link } = this.#broker;
    const beat = () => this.#running.extendAll();
    const beats = setInterval(beat, BEAT_MS);
    using _ = link.onChange((up) => up && beat());
    try {
      await link.whenUp(leaving);
      while (!leaving.aborted) {
        if (link.isUp) await this.#take(leaving);
        await this.#sitOut(leaving);
      }
      await this.#finish();
    } finally {
      clearInterval(beats);
    }
  }

  /** Takes tasks until the link is lost. */
  async #take(leaving: AbortSignal): Promise<void> {
    const { readiness, log } = this.#options;
    const connected = this.#broker.link.use();
    const until = AbortSignal.any([leaving, connected.lost]);
    try {
      await this.#source.run(connected, (delivery) => void this.#start(delivery), until);
    } catch (error) {
      if (until.aborted) return;
      readiness.red("queue", errorMessage(error));
      log.warn({ err: error }, "no answer from the queue");
      await this.#broker.link.repair().catch((err: unknown) => {
        log.warn({ err }, "the queue can't be put back yet");
      });
    }
  }

  /** After an outage, others get the time to say that they have their tasks still, before we are given any of them. */
  async #sitOut(leaving: AbortSignal): Promise<void> {
    await this.#broker.link.whenUp(leaving);
    await pause(AFTER_OUTAGE_MS, leaving);
  }

  async #start(delivery: Delivery): Promise<void> {
    const { log } = this.#options;
    try {
      await runAttempt(delivery, this.#options);
    } catch (error) {
      // The broker failed us, not the handler: whoever gets the task next reads how it stands.
      const level = error instanceof BrokerUnavailable ? "warn" : "error";
      log[level]({ err: error, taskId: delivery.taskId }, "attempt lost");
    }
  }

  async #finish(): Promise<void> {
    const { log, leaveGraceMs } = this.#options;
    log.info({ running: this.#running.count, leaveGraceMs }, "worker leaves");
    // Another worker need not wait for the grace to have what we have not begun.
    this.#running.stopBeginning();
    if (await this.#endsWithin(leaveGraceMs)) return;
    log.warn({ running: this.#running.count }, "grace is over; running attempts are handed back");
    this.#running.stopAll();
    if (await this.#endsWithin(CLEAN_UP_MS + SETTLE_MS)) return;
    log.error({ running: this.#running.count }, "left without settling; the tasks run elsewhere");
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const enough = timeoutSignal(ms);
    await this.#running.until(() => this.#running.count === 0, enough);
    return this.#running.count === 0;
  }
}
