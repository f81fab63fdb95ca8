import { type ConsumerMessages, DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { decodeEvent } from "#lib/broker/log/event-codec.ts";
import { Names } from "#lib/broker/names.ts";
import { isGone, isTerminalEvent } from "#lib/task/life.ts";

const MOST_FAULTS = 20;

/**
 * A ledger that forgets a task once it has ended, for more tasks than a test can remember. It reads the log from outside,
 * and knows only of tasks that it was told of before their submit.
 */
export class EndsBook implements AsyncDisposable {
  readonly #nc: NatsConnection;
  readonly #messages: ConsumerMessages;
  readonly #reading: Promise<void>;
  readonly #running = new Set<string>();
  /** What was wrong, the first of it. */
  readonly faults: string[] = [];
  ended = 0;

  private constructor(nc: NatsConnection, messages: ConsumerMessages) {
    this.#nc = nc;
    this.#messages = messages;
    this.#reading = this.#read();
  }

  static async open(natsUrl: string): Promise<EndsBook> {
    const nc = await connect({ servers: natsUrl });
    const names = new Names();
    const consumer = await jetstream(nc).consumers.get(names.eventsStream, {
      filter_subjects: [names.eventSubject("*", "state")],
      deliver_policy: DeliverPolicy.All,
    });
    return new EndsBook(nc, await consumer.consume({ max_messages: 10_000 }));
  }

  /** How many of those that it was told of have not ended. */
  get running(): number {
    return this.#running.size;
  }

  begin(taskId: string): void {
    this.#running.add(taskId);
  }

  /** Its submit was refused, so that it has no end. */
  refused(taskId: string): void {
    this.#running.delete(taskId);
  }

  fault(what: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#messages.stop();
    await this.#reading;
    await this.#nc.close();
  }

  async #read(): Promise<void> {
    for await (const message of this.#messages) {
      const event = decodeEvent(message);
      if (event?.facet.case !== "state" || !isTerminalEvent(event)) continue;
      // That it left is no second end.
      if (isGone(event.facet.value)) continue;
      if (this.#running.delete(event.taskId)) this.ended += 1;
      else this.fault(`${event.taskId} ended, and did not run`);
    }
  }
}
