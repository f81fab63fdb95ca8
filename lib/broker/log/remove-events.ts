import { discard } from "../link/discard.ts";
import type { Connected } from "../link/link.ts";
import { readSpan } from "./history.ts";
import { readBatch } from "./read-batch.ts";

/** Deletes under way of which none is answered: the broker drops requests when too many wait. */
const UNANSWERED = 1_000;
const BATCH = { maxMessages: 1_000 };

/**
 * Deletes events one by one, each without waiting for an answer but the last: that costs the broker 10 µs for each. A
 * purge by subject makes it count for every consumer of the log what is left for it, which takes 86 ms where the log has
 * 240,000 events.
 */
export async function removeEvents(
  connected: Connected,
  sequences: readonly number[],
): Promise<void> {
  const stream = connected.names.eventsStream;
  const deleteOne = `$JS.API.STREAM.MSG.DELETE.${stream}`;
  for (const [index, seq] of sequences.entries()) {
    const isAnswered = index === sequences.length - 1 || index % UNANSWERED === UNANSWERED - 1;
    if (isAnswered) await discard(connected, stream, seq);
    else connected.nc.publish(deleteOne, JSON.stringify({ seq, no_erase: true }));
  }
}

/** Sequences of the events on a subject without wildcards, up to and including the given one. */
export async function sequencesOf(
  connected: Connected,
  subject: string,
  upTo: number,
): Promise<number[]> {
  const found: number[] = [];
  for (let from = 1; ; ) {
    const read: number[] = [];
    const query = { from, subject, ...BATCH };
    await readBatch(connected, query, ({ seq }) => void read.push(seq));
    found.push(...read.filter((seq) => seq <= upTo));
    from = (read.at(-1) ?? upTo) + 1;
    if (read.length < BATCH.maxMessages || from > upTo) return found;
  }
}

interface WrittenTask {
  readonly taskId: string;
  /** Undefined: its spec has gone. */
  readonly specSequence: number | undefined;
  readonly endSequence: number;
}

/** Sequences of all events of a task but its spec, as the leader has them. */
export async function allSequencesOf(
  connected: Connected,
  { taskId, specSequence = 0, endSequence }: WrittenTask,
): Promise<number[]> {
  const subject = connected.names.historySubject(taskId);
  const span = { after: specSequence, head: endSequence };
  const parts = readSpan(connected, { subject, ...span, ...BATCH }, ({ seq }) => seq);
  return (await Array.fromAsync(parts, ({ picked }) => picked)).flat();
}
