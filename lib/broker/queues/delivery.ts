import type { Msg, NatsConnection } from "@nats-io/nats-core";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import { queueOf, taskIdOf } from "../names.ts";
import { decodeWaiting } from "./queues.ts";

/** A delivery must be extended more often than this, or another worker gets it. A third of the broker's patience. */
export const BEAT_MS = 2_500;

/**
 * A task on loan from its queue: let go of it once, with `done` or `putBack`. None of the answers is waited for: one
 * that is lost brings the task to another worker, which finds in the log that there is nothing to do.
 */
export class Delivery {
  readonly taskId: string;
  readonly queue: string;
  /** Undefined when its bytes can't be read; the log may know the task all the same. */
  readonly waiting: WaitingTask | undefined;
  readonly subject: string;
  /** What was delivered, as it is. */
  readonly data: Uint8Array;
  readonly #nc: NatsConnection;
  readonly #reply: string;

  constructor(nc: NatsConnection, message: Msg) {
    this.taskId = taskIdOf(message.subject);
    this.queue = queueOf(message.subject);
    this.subject = message.subject;
    this.data = message.data;
    this.waiting = decodeWaiting(message.data, this.taskId);
    this.#nc = nc;
    this.#reply = message.reply ?? "";
  }

  /** How often it was delivered by now, this time included. */
  get count(): number {
    // $JS.ACK[.<domain>.<account>].<stream>.<consumer>.<count>.…, of 9 or of 11 and more parts.
    const parts = this.#reply.split(".");
    return Number(parts[parts.length > 9 ? 6 : 4]);
  }

  /** How many tasks of its lane waited when it was delivered. */
  get left(): number {
    const parts = this.#reply.split(".");
    return Number(parts[parts.length > 9 ? 10 : 8]);
  }

  /** Asks for more time. */
  extend(): void {
    this.#answer("+WPI");
  }

  done(): void {
    this.#answer("+ACK");
  }

  /** Gives it to another worker. Never with a longer delay than a second: it holds a place in the queue's window. */
  putBack(delayMs = 0): void {
    this.#answer(delayMs === 0 ? "-NAK" : `-NAK {"delay": ${delayMs * 1_000_000}}`);
  }

  #answer(answer: string): void {
    if (!this.#nc.isClosed()) this.#nc.publish(this.#reply, answer);
  }
}
