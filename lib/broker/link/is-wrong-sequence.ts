import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";

const WRONG_SEQUENCE: readonly number[] = [
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
];

/** A write was refused because it is not based on the newest of its subject: somebody else has written meanwhile. */
export function isWrongSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_SEQUENCE.includes(error.code);
}
