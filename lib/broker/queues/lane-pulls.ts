import { createInbox, type Msg, nanos, type Subscription } from "@nats-io/nats-core";
import { REQUEST_TIMEOUT_MS } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";
import { type Lane, laneOfSubject, laneToken } from "../names.ts";
import { Delivery } from "./delivery.ts";

/** How long a pull waits for a task before it is asked anew; so one that was lost costs no more than this. */
const WAIT_MS = 4_000;
const NO_MESSAGES = 404;
const TIME_IS_UP = 408;

export interface PullListener {
  onTask(delivery: Delivery, lane: Lane): void;
  /** A pull has ended before all that it asked for came: none waits; or the lane can't be pulled from. */
  onEnd(lane: Lane, why: "empty" | "refused"): void;
}

interface Pull {
  readonly lane: Lane;
  readonly askedMs: number;
  /** What is still to come. */
  count: number;
}

/** Pulls from many lanes over one connection, at most one from each at a time. */
export class LanePulls implements AsyncDisposable {
  readonly #connected: Connected;
  readonly #listener: PullListener;
  readonly #inbox = createInbox();
  readonly #answers: Subscription;
  readonly #pulls = new Map<string, Pull>();
  readonly #looking: NodeJS.Timeout;

  constructor(connected: Connected, listener: PullListener) {
    this.#connected = connected;
    this.#listener = listener;
    this.#answers = connected.nc.subscribe(`${this.#inbox}.*.*`, {
      callback: (_, message) => this.#hear(message),
    });
    this.#looking = setInterval(() => this.#endLost(), WAIT_MS);
  }

  /** Whether an answer is still to come. */
  isOut(lane: Lane): boolean {
    return this.#pulls.has(keyOf(lane));
  }

  /** Asks for as many of the tasks that wait now. */
  takeNow(lane: Lane, count: number): void {
    this.#ask(lane, count, { batch: count, no_wait: true });
  }

  /** Asks for the next task that comes. */
  takeNext(lane: Lane): void {
    this.#ask(lane, 1, { batch: 1, expires: nanos(WAIT_MS) });
  }

  #ask(lane: Lane, count: number, request: object): void {
    const { nc, names } = this.#connected;
    if (nc.isClosed()) return;
    const key = keyOf(lane);
    this.#pulls.set(key, { lane, count, askedMs: performance.now() });
    const stream = names.queueStream(lane.queue);
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${laneToken(lane)}`;
    nc.publish(subject, JSON.stringify(request), { reply: `${this.#inbox}.${key}` });
  }

  /** Tasks come under their own subject; what the broker says of a pull comes under the pull's. */
  #hear(message: Msg): void {
    const tokens = message.subject.split(".");
    const isTask = !message.subject.startsWith(this.#inbox);
    // A task's subject has queue and lane before its id, a pull's ends with them.
    const key = (isTask ? tokens.slice(2, 4) : tokens.slice(-2)).join(".");
    const pull = this.#pulls.get(key);
    const code = message.headers?.code;
    if (code) this.#end(key, code);
    else this.#bring(new Delivery(this.#connected.nc, message), pull);
  }

  #bring(delivery: Delivery, pull: Pull | undefined): void {
    const lane = pull?.lane ?? laneOfSubject(delivery.subject);
    if (!lane) return;
    if (pull) pull.count -= 1;
    if (pull?.count === 0) this.#pulls.delete(keyOf(lane));
    this.#listener.onTask(delivery, lane);
  }

  #end(key: string, code: number): void {
    const lane = this.#pulls.get(key)?.lane;
    this.#pulls.delete(key);
    const isEmpty = code === NO_MESSAGES || code === TIME_IS_UP;
    if (lane) this.#listener.onEnd(lane, isEmpty ? "empty" : "refused");
  }

  /** A broker whose lane has just moved to another server forgets who waits. */
  #endLost(): void {
    const lostMs = performance.now() - WAIT_MS - REQUEST_TIMEOUT_MS;
    for (const [key, { lane, askedMs }] of this.#pulls) {
      if (askedMs > lostMs) continue;
      this.#pulls.delete(key);
      this.#listener.onEnd(lane, "empty");
    }
  }

  /** Tasks that were on their way are heard of before this resolves: they would else be on loan to nobody for a while. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    if (!this.#answers.isClosed()) await this.#answers.drain().catch(() => {});
  }
}

function keyOf(lane: Lane): string {
  return `${lane.queue}.${laneToken(lane)}`;
}
