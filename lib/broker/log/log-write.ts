import { type JetStreamPublishOptions, type PubAck, PubHeaders } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { ask } from "../link/ask.ts";
import type { Link } from "../link/link.ts";
import { untilDecided } from "../link/request.ts";

/** What is to be written to the log, and what the write must find there. */
export interface LogWrite {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly expect: { lastSubjectSequence: number; lastSubjectSequenceSubject?: string };
}

/** Writes to the log, and waits until it has stored or refused it. */
export function writeEvent(
  link: Link,
  { subject, data, expect }: LogWrite,
  options: Partial<JetStreamPublishOptions>,
): Promise<PubAck> {
  return untilDecided(async () => {
    const { js, lost } = link.use();
    try {
      return await ask(js.publish(subject, data, { ...options, expect }), lost);
    } catch (error) {
      if (error instanceof BrokerUnavailable) link.doubt();
      throw error;
    }
  });
}

/** What the write must find, for those who send it without waiting. */
export function fenceHeaders({ expect }: LogWrite): MsgHdrs {
  const fence = headers();
  fence.set(PubHeaders.ExpectedLastSubjectSequenceHdr, String(expect.lastSubjectSequence));
  const of = expect.lastSubjectSequenceSubject;
  if (of) fence.set(PubHeaders.ExpectedLastSubjectSequenceSubjectHdr, of);
  return fence;
}
