import { type PubAck, PubHeaders } from "@nats-io/jetstream";
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

/** Writes to the log, and waits until it has stored or refused it. `mark`: a header of the message besides its fence. */
export function writeEvent(
  link: Link,
  write: LogWrite,
  [mark, value]: readonly [mark: string, value: string],
): Promise<PubAck> {
  const { subject, data } = write;
  const marked = fenceHeaders(write);
  marked.set(mark, value);
  return untilDecided(async () => {
    try {
      return await ask(link.use().publisher.store({ subject, data, headers: marked }));
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
