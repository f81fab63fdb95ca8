import type { StoredMsg } from "@nats-io/jetstream";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { onAbort } from "#lib/process/leaving.ts";
import { BrokerAway } from "#lib/task/errors.ts";
import { ask } from "./ask.ts";
import { decodeEvent } from "./event-codec.ts";
import { type Connected, REQUEST_TIMEOUT_MS } from "./link.ts";
import { EVENTS_STREAM, historySubject } from "./names.ts";

/** Messages asked for at once. */
const BATCH = 256;

export interface Span {
  /** Only events later than this. */
  readonly after: number;
  /** The newest event to read, as the leader said. */
  readonly head: number;
}

/** Every event of a task within the span, in order. */
export async function* readHistory(
  connected: Connected,
  taskId: string,
  { after, head }: Span,
): AsyncGenerator<TaskEvent> {
  let at = after;
  while (at < head) {
    const messages = await readSome(connected, taskId, at + 1);
    const within = messages.filter(({ seq }) => seq <= head);
    yield* within.map(decodeEvent).filter((event) => event !== undefined);
    at = within.at(-1)?.seq ?? head;
  }
}

/** Any replica may answer a batch, and one that lags has less than the leader; then the leader is asked itself. */
async function readSome(connected: Connected, taskId: string, from: number): Promise<StoredMsg[]> {
  const batch = await readBatch(connected, taskId, from);
  if (batch.length > 0) return batch;
  const query = { seq: from, next_by_subj: historySubject(taskId) };
  const one = await ask(connected.jsm.streams.getMessage(EVENTS_STREAM, query));
  return one ? [one] : [];
}

const NOT_FOUND = 404;

async function readBatch(
  { jsm, lost }: Connected,
  taskId: string,
  from: number,
): Promise<StoredMsg[]> {
  const { promise, resolve, reject } = Promise.withResolvers<StoredMsg[]>();
  const messages: StoredMsg[] = [];
  const settle = (error: (Error & { code?: number }) | undefined): void => {
    if (error && error.code !== NOT_FOUND) reject(error);
    else resolve(messages);
  };
  const away = () => reject(new BrokerAway());
  using _ = onAbort(lost, away);
  // The client does not notice when a batch stops half-way.
  const timer = setTimeout(away, REQUEST_TIMEOUT_MS);
  jsm.direct
    .getBatch(EVENTS_STREAM, {
      seq: from,
      next_by_subj: historySubject(taskId),
      batch: BATCH,
      // The iterator form leaks a subscription per call.
      callback: (done, message) => (done ? settle(done.err) : void messages.push(message)),
    })
    .catch(settle);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
