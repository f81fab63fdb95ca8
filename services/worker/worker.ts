import type { Broker } from "#lib/broker/broker.ts";
import { SourceMissing } from "#lib/broker/link/source-missing.ts";
import { BEAT_MS, type Delivery } from "#lib/broker/queues/delivery.ts";
import { pause } from "#lib/process/pause.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import { timeoutSignal } from "#lib/process/timers.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { type AttemptOptions, runAttempt } from "./run-attempt.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import { Slots, type SlotsOptions } from "./slots.ts";
import { CLEAN_UP_MS } from "./stops.ts";
import { Watchdog } from "./watchdog.ts";
import { WorkSource } from "./work-source.ts";

export interface WorkerOptions extends AttemptOptions, SlotsOptions {
  /** How long running attempts may take to finish when the worker leaves. */
  readonly leaveGraceMs: number;
  readonly readiness: Readiness;
}

const AGAIN_MS = 500;
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
    const { queues, running, broker, room, readiness, log } = options;
    const { link } = broker;
    const slots = this.#slots;
    this.#source = new WorkSource({ link, queues, slots, running });
    const mayTake = () => room.isShared;
    this.#watchdog = new Watchdog({ link, queues, slots, mayTake, readiness, log });
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
        await this.#options.room.shared(leaving);
        await this.#running.until(() => this.#slots.someFree, leaving);
        if (!link.isUp) await this.#sitOut(leaving);
        if (!leaving.aborted) this.#startAll(await this.#take(leaving));
      }
      await this.#finish();
    } finally {
      clearInterval(beats);
    }
  }

  /** After an outage, others get the time to say that they have their tasks still, before we are given any of them. */
  async #sitOut(leaving: AbortSignal): Promise<void> {
    await this.#broker.link.whenUp(leaving);
    await pause(AFTER_OUTAGE_MS, leaving);
  }

  async #take(leaving: AbortSignal): Promise<Delivery[]> {
    const { readiness, log } = this.#options;
    try {
      const waiting = await this.#source.takeNow();
      readiness.green("queue");
      return waiting.length > 0 ? waiting : await this.#source.takeNext(leaving);
    } catch (error) {
      readiness.red("queue", error instanceof Error ? error.message : String(error));
      log.warn({ err: error }, "no answer from the queue");
      await this.#mend(error, leaving);
      return [];
    }
  }

  async #mend(error: unknown, leaving: AbortSignal): Promise<void> {
    const { log } = this.#options;
    if (error instanceof SourceMissing) {
      await this.#broker.link
        .repair()
        .catch((cause: unknown) => log.warn({ err: cause }, "the queue can't be put back yet"));
    }
    await pause(AGAIN_MS, leaving);
  }

  /** Two sources may deliver in the same instant; what has no slot is given to a worker that has one. */
  #startAll(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (this.#slots.freeOf(delivery.queue) > 0) void this.#start(delivery);
      else delivery.putBack();
    }
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
