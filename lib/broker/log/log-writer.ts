import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamPublishOptions,
  type PubAck,
  PubHeaders,
} from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import pRetry from "p-retry";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { ask } from "../link/ask.ts";
import { type Link, REQUEST_TIMEOUT_MS } from "../link/link.ts";

/** What is to be written to the log, and what the write must find there. */
export interface LogWrite {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly expect: { lastSubjectSequence: number; lastSubjectSequenceSubject?: string };
}

/** Writes that are under way take a few milliseconds. */
const UNDECIDED_AGAIN = { minTimeout: 5, maxTimeout: 100, factor: 1.5, randomize: true };

/** Writes to the log, and waits until it has stored or refused it. */
export class LogWriter {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** While another write that expects something of the same subject is under way, nothing is decided yet. */
  async write(write: LogWrite, options: Partial<JetStreamPublishOptions>): Promise<PubAck> {
    try {
      return await this.#writeOnce(write, options);
    } catch (error) {
      if (!isUndecided(error)) throw error;
    }
    try {
      return await pRetry(() => this.#writeOnce(write, options), {
        ...UNDECIDED_AGAIN,
        retries: Number.POSITIVE_INFINITY,
        maxRetryTime: REQUEST_TIMEOUT_MS,
        shouldRetry: ({ error }) => isUndecided(error),
      });
    } catch (error) {
      throw isUndecided(error) ? new BrokerUnavailable(error) : error;
    }
  }

  async #writeOnce(
    { subject, data, expect }: LogWrite,
    options: Partial<JetStreamPublishOptions>,
  ): Promise<PubAck> {
    const { js, lost } = this.#link.use();
    try {
      return await ask(js.publish(subject, data, { ...options, expect }), lost);
    } catch (error) {
      if (error instanceof BrokerUnavailable) this.#link.doubt();
      throw error;
    }
  }
}

function isUndecided(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown
  );
}

/** What the write must find, for those who send it without waiting. */
export function fenceHeaders({ expect }: LogWrite): MsgHdrs {
  const fence = headers();
  fence.set(PubHeaders.ExpectedLastSubjectSequenceHdr, String(expect.lastSubjectSequence));
  const of = expect.lastSubjectSequenceSubject;
  if (of) fence.set(PubHeaders.ExpectedLastSubjectSequenceSubjectHdr, of);
  return fence;
}
