import type { StoredMsg } from "@nats-io/jetstream";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { ask } from "./ask.ts";
import { decodeEvent } from "./event-codec.ts";
import type { Connected } from "./link.ts";
import { EVENTS_STREAM, historySubject } from "./names.ts";
import { readBatch } from "./read-batch.ts";

/** Messages asked for at once. */
const BATCH = { maxMessages: 256 };

export interface Span {
  /** Only events later than this. */
  readonly after: number;
  /** The newest event to read, as the leader said. */
  readonly head: number;
}

/** How much is read at once, at most. */
export interface BatchSize {
  readonly maxMessages: number;
  readonly maxBytes?: number;
}

/** Every event of a task within the span, in order. */
export async function* readHistory(
  connected: Connected,
  taskId: string,
  span: Span,
): AsyncGenerator<TaskEvent> {
  for await (const batch of readSpan(connected, historySubject(taskId), span, BATCH)) yield* batch;
}

/** Every event on the subject within the span, in order, batch by batch. */
export async function* readSpan(
  connected: Connected,
  subject: string,
  { after, head }: Span,
  size: BatchSize,
): AsyncGenerator<TaskEvent[]> {
  let at = after;
  while (at < head) {
    const messages = await readSome(connected, { subject, from: at + 1, ...size });
    const within = messages.filter(({ seq }) => seq <= head);
    yield within.map(decodeEvent).filter((event) => event !== undefined);
    at = within.at(-1)?.seq ?? head;
  }
}

/** Any replica may answer a batch, and one that lags has less than the leader; then the leader is asked itself. */
async function readSome(
  connected: Connected,
  query: Parameters<typeof readBatch>[1],
): Promise<StoredMsg[]> {
  const batch = await readBatch(connected, query);
  if (batch.length > 0) return batch;
  const next = { seq: query.from, next_by_subj: query.subject };
  const one = await ask(connected.jsm.streams.getMessage(EVENTS_STREAM, next));
  return one ? [one] : [];
}
