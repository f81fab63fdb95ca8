import { JetStreamApiError, type PubAck } from "@nats-io/jetstream";
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/nats-core";
import { onAbort } from "#lib/async/abort.ts";
import { callLater } from "#lib/async/timers.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { REQUEST_TIMEOUT_MS } from "./ask.ts";

/** How often is looked which answers have not come in time. */
const SWEEP_MS = 500;
/** Nobody answers for a stream of this subject. */
const NO_RESPONDERS = 503;

/** What a stream is to store. */
export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs;
}

interface Waiting {
  readonly sentAtMs: number;
  readonly resolve: (ack: PubAck) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Stores messages in streams over one connection, each with an answer. This is what most of a task's cost is made of: so all
 * answers come to one inbox, one timer looks after all, and no error is made that nobody sees.
 */
export class Publisher {
  readonly #nc: NatsConnection;
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;
  #sweep: Disposable | undefined;
  #isLost = false;

  constructor(nc: NatsConnection, lost: AbortSignal) {
    this.#nc = nc;
    const answers = nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, answer) => {
        if (!error) this.#answered(answer);
      },
    });
    onAbort(lost, () => {
      this.#isLost = true;
      if (!nc.isClosed()) answers.unsubscribe();
      for (const token of this.#waiting.keys()) this.#fail(token, new BrokerUnavailable());
    });
  }

  /**
   * Resolves when the message is stored. Throws JetStreamApiError with what the stream has against it, BrokerUnavailable if
   * it is not answered within 4 s or the line is lost: then it may have been stored or not.
   */
  store(message: Message): Promise<PubAck> {
    if (this.#isLost) return Promise.reject(new BrokerUnavailable());
    const { promise, resolve, reject } = Promise.withResolvers<PubAck>();
    this.#count += 1;
    const token = this.#count.toString(36);
    this.#waiting.set(token, { sentAtMs: performance.now(), resolve, reject });
    this.#sweep ??= callLater(SWEEP_MS, this.#failLate);
    this.#publish(token, message);
    return promise;
  }

  #publish(token: string, { subject, data, headers }: Message): void {
    try {
      const reply = `${this.#inbox}.${token}`;
      this.#nc.publish(subject, data, { reply, ...(headers && { headers }) });
    } catch (error) {
      // Too large, or the connection was closed just now.
      this.#fail(token, error as Error);
    }
  }

  #answered(answer: Msg): void {
    const token = answer.subject.slice(this.#inbox.length + 1);
    const told = toldBy(answer);
    if (told instanceof Error) this.#fail(token, told);
    else this.#waiting.get(token)?.resolve(told);
    this.#waiting.delete(token);
  }

  #fail(token: string, error: Error): void {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    waiting?.reject(error);
  }

  readonly #failLate = (): void => {
    const before = performance.now() - REQUEST_TIMEOUT_MS;
    for (const [token, { sentAtMs }] of this.#waiting) {
      if (sentAtMs > before) break;
      this.#fail(token, new BrokerUnavailable());
    }
    this.#sweep = this.#waiting.size === 0 ? undefined : callLater(SWEEP_MS, this.#failLate);
  };
}

type Answer = PubAck & { readonly error?: ConstructorParameters<typeof JetStreamApiError>[0] };

/** Where the message was stored, or why it was not. */
function toldBy(answer: Msg): PubAck | Error {
  if (answer.headers?.code === NO_RESPONDERS) return new BrokerUnavailable();
  try {
    const told = answer.json<Answer>();
    return told.error ? new JetStreamApiError(told.error) : told;
  } catch (error) {
    return error as Error;
  }
}
