import type { StoredMsg } from "@nats-io/jetstream";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { ask } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";
import { decodeEvent } from "./event-codec.ts";
import { type BatchQuery, readBatch } from "./read-batch.ts";

/** Messages asked for at once. */
const BATCH = { maxMessages: 256 };

export interface Span {
  /** Only events later than this. */
  readonly after: number;
  /** The newest event to read, as the leader said. */
  readonly head: number;
}

/** How much is read at once, at most. */
interface BatchSize {
  readonly maxMessages: number;
  readonly maxBytes?: number;
}

/** Every event of a task within the span, in order. */
export async function* readHistory(
  connected: Connected,
  taskId: string,
  span: Span,
): AsyncGenerator<TaskEvent> {
  const asked = { subject: connected.names.historySubject(taskId), ...span, ...BATCH };
  for await (const { picked } of readSpan(connected, asked, decodeEvent)) yield* picked;
}

interface SpanQuery extends Span, BatchSize {
  readonly subject: string;
}

/** A part of a span. */
export interface Part<T> {
  /** What was made of the events, in order. */
  readonly picked: T[];
  /** Sequence of the last event that was read. */
  readonly upTo: number;
  /** Events that were read. */
  readonly read: number;
}

/** Every event on the subject within the span, in order, as far as the pick takes them; batch by batch. */
export async function* readSpan<T>(
  connected: Connected,
  { after, head, ...query }: SpanQuery,
  pick: (message: StoredMsg) => T | undefined,
): AsyncGenerator<Part<T>> {
  let at = after;
  while (at < head) {
    const part = { picked: [] as T[], upTo: head, read: 0 };
    await readSome(connected, { ...query, from: at + 1 }, (message) => {
      if (message.seq > head) return;
      part.upTo = message.seq;
      part.read += 1;
      const picked = pick(message);
      if (picked !== undefined) part.picked.push(picked);
    });
    yield part;
    at = part.upTo;
  }
}

/** Any replica may answer a batch, and one that lags has less than the leader; then the leader is asked itself. */
async function readSome(
  connected: Connected,
  query: BatchQuery,
  visit: (message: StoredMsg) => void,
): Promise<void> {
  let isEmpty = true;
  await readBatch(connected, query, (message) => {
    isEmpty = false;
    visit(message);
  });
  if (!isEmpty) return;
  const next = { seq: query.from, next_by_subj: query.subject };
  const { jsm, names } = connected;
  const one = await ask(jsm.streams.getMessage(names.eventsStream, next));
  if (one) visit(one);
}
