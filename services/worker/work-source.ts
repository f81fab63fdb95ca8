import { pause, pauseAbout } from "#lib/async/pause.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Connected } from "#lib/broker/link/link.ts";
import type { Lane } from "#lib/broker/names.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { LanePulls } from "#lib/broker/queues/lane-pulls.ts";
import type { Log } from "#lib/process/log.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import type { ElbowRoom } from "./elbow-room.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import { keyOf, type Served, ServedLanes } from "./served-lanes.ts";
import type { Slots } from "./slots.ts";

export interface WorkSourceOptions {
  readonly broker: Pick<Broker, "lanes" | "link">;
  readonly queues: readonly string[];
  /** Full names of the task types that there are handlers for. */
  readonly types: { has(type: string): boolean };
  readonly slots: Slots;
  readonly running: RunningAttempts;
  readonly room: ElbowRoom;
  readonly readiness: Readiness;
  readonly log: Log;
}

/** New lanes are told of; this is for those that were missed. */
const LIST_EVERY_MS = 5_000;
const MEND_AFTER_MS = 500;
/** The part of the readiness that is red while the worker can't pull. */
const PART = "queue";

/**
 * Where a worker's tasks come from. At each lane in which nothing waits it waits for the next task, so that whatever
 * comes is here at once. From lanes in which tasks wait it takes as many as there are free slots for.
 */
export class WorkSource {
  readonly #options: WorkSourceOptions;
  readonly #served: ServedLanes;
  /** Those that the broker does not let us pull from. */
  readonly #refused = new Set<Served>();
  #isMending = false;
  /** Why that failed last, as it was said. */
  #toldWhy = "";
  #waitsForRoom = false;
  #isRefillDue = false;
  #pulls: LanePulls | undefined;
  #until = AbortSignal.abort();

  constructor(options: WorkSourceOptions) {
    this.#options = options;
    this.#served = new ServedLanes(options.queues);
  }

  /** Takes tasks over the connection, as many as there are free slots for, until the signal aborts. */
  async run(
    connected: Connected,
    start: (delivery: Delivery) => void,
    until: AbortSignal,
  ): Promise<void> {
    const { broker, queues, running } = this.#options;
    this.#served.clear();
    this.#refused.clear();
    this.#toldWhy = "";
    this.#until = until;
    await using pulls = new LanePulls(connected, {
      onTask: (delivery, lane) => this.#onTask(delivery, lane, start),
      onEnd: (lane, why) => this.#onEnd(lane, why),
    });
    this.#pulls = pulls;
    using _ = running.onEnd(() => this.#refillSoon());
    for (const queue of queues) broker.lanes.onNew(queue, (lane) => this.#serve(lane), until);
    while (!until.aborted) {
      for (const queue of queues) {
        for (const lane of await broker.lanes.list(queue)) this.#serve(lane);
      }
      this.#greenIfWell();
      await pause(LIST_EVERY_MS, until);
    }
  }

  #serve(lane: Lane): void {
    const isOurs = lane.type === "" || this.#options.types.has(lane.type);
    if (isOurs && this.#served.add(lane)) this.#refill();
  }

  #onTask(delivery: Delivery, lane: Lane, start: (delivery: Delivery) => void): void {
    const { slots, room } = this.#options;
    const mayStart = !this.#until.aborted && room.isShared && slots.freeOf(lane.queue) > 0;
    const served = this.#served.find(lane);
    if (served) {
      served.waiting = mayStart ? delivery.left : delivery.left + 1;
      served.promised = Math.max(0, served.promised - 1);
      served.asked = this.#pulls?.isOut(lane) ?? false;
    }
    // Several lanes may have had one in the same instant; what has no slot is for a worker that has.
    if (mayStart) start(delivery);
    else delivery.putBack();
    this.#refillSoon();
  }

  #onEnd(lane: Lane, why: "empty" | "refused"): void {
    const served = this.#served.find(lane);
    if (!served) return;
    served.promised = 0;
    served.waiting = 0;
    if (why === "refused") {
      this.#refused.add(served);
      void this.#mend();
      return;
    }
    served.asked = false;
    this.#refill();
  }

  /** Once for all that begins and ends in the turn: a pull costs as much as another step of a task. */
  #refillSoon(): void {
    if (this.#isRefillDue) return;
    this.#isRefillDue = true;
    process.nextTick(() => {
      this.#isRefillDue = false;
      this.#refill();
    });
  }

  /** Asks for what there are free slots for. */
  #refill(): void {
    const { room, slots } = this.#options;
    if (this.#until.aborted) return;
    if (!room.isShared) {
      this.#refillWhenShared();
      return;
    }
    for (const served of this.#served.quiet(slots)) {
      served.asked = true;
      this.#pulls?.takeNext(served.lane);
    }
    for (const served of this.#served.deal(slots)) {
      served.asked = true;
      this.#pulls?.takeNow(served.lane, served.promised);
    }
  }

  #refillWhenShared(): void {
    if (this.#waitsForRoom) return;
    this.#waitsForRoom = true;
    void this.#options.room.shared(this.#until).then(() => {
      this.#waitsForRoom = false;
      this.#refill();
    });
  }

  /** Puts back what the broker says is not there. It may also just have no leader: then asking again helps. */
  async #mend(): Promise<void> {
    if (this.#isMending) return;
    this.#isMending = true;
    while (this.#refused.size > 0 && !this.#until.aborted) {
      const refused = [...this.#refused];
      const lanes = refused.map(({ lane }) => keyOf(lane)).join(", ");
      this.#options.readiness.red(PART, `can't be pulled from: ${lanes}`);
      await pauseAbout(MEND_AFTER_MS, this.#until);
      await this.#putBack(refused);
      this.#greenIfWell();
    }
    this.#isMending = false;
    this.#refill();
  }

  /** What keeps one lane away does not keep the others. */
  async #putBack(refused: readonly Served[]): Promise<void> {
    const { broker } = this.#options;
    const repaired = await Promise.allSettled([broker.link.repair()]);
    const restored = await Promise.allSettled(refused.map((served) => this.#restore(served)));
    const failed = [...repaired, ...restored].find(({ status }) => status === "rejected");
    this.#tellOnce(failed?.status === "rejected" ? failed.reason : undefined);
  }

  async #restore(served: Served): Promise<void> {
    await this.#options.broker.lanes.restore(served.lane);
    served.asked = false;
    this.#refused.delete(served);
  }

  /** It is tried every half second. */
  #tellOnce(err: unknown): void {
    const why = err === undefined ? "" : errorMessage(err);
    if (why !== "" && why !== this.#toldWhy) {
      this.#options.log.warn({ err }, "what tasks are pulled from can't be put back yet");
    }
    this.#toldWhy = why;
  }

  #greenIfWell(): void {
    if (this.#refused.size === 0) this.#options.readiness.green(PART);
  }
}
