import type { BatchCallback, StoredMsg } from "@nats-io/jetstream";
import { onAbort } from "#lib/async/abort.ts";
import { callLater } from "#lib/async/timers.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { REQUEST_TIMEOUT_MS } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";

const NOT_FOUND = 404;
/** No replica answers. */
const NOBODY = 503;

/** The broker answers for at most this many subjects at once. */
const MAX_SUBJECTS = 1_024;

export interface BatchQuery {
  /** The first sequence to read. */
  readonly from: number;
  /** May have wildcards. */
  readonly subject: string;
  readonly maxMessages: number;
  readonly maxBytes?: number;
}

type Visit = (message: StoredMsg) => void;

/**
 * Visits the next events of the log on the subject, of any replica: one that lags has fewer than the leader. A visit for
 * each as it comes in, for a batch may be much larger than what is wanted of it.
 */
export function readBatch(connected: Connected, query: BatchQuery, visit: Visit): Promise<void> {
  const { from, subject, maxMessages, maxBytes } = query;
  return visitEach(connected, visit, (callback) =>
    connected.jsm.direct.getBatch(connected.names.eventsStream, {
      seq: from,
      next_by_subj: subject,
      batch: maxMessages,
      ...(maxBytes && { max_bytes: maxBytes }),
      callback,
    }),
  );
}

/** The newest message on each of the subjects that has one, of any replica; of the log, if no other stream is named. */
export async function readNewest(
  connected: Connected,
  subjects: readonly string[],
  stream = connected.names.eventsStream,
): Promise<StoredMsg[]> {
  const found: StoredMsg[] = [];
  for (let at = 0; at < subjects.length; at += MAX_SUBJECTS) {
    const some = subjects.slice(at, at + MAX_SUBJECTS);
    const visit = (message: StoredMsg) => void found.push(message);
    await visitEach(connected, visit, (callback) =>
      connected.jsm.direct.getLastMessagesFor(stream, { multi_last: some, callback }),
    );
  }
  return found;
}

/** `ask` must pass the callback on: the client's iterators leak a subscription per call. */
async function visitEach(
  { lost }: Connected,
  visit: Visit,
  ask: (callback: BatchCallback<StoredMsg>) => Promise<unknown>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settle = (error: (Error & { code?: number }) | undefined): void => {
    if (!error || error.code === NOT_FOUND) resolve();
    else reject(error.code === NOBODY ? new BrokerUnavailable(error) : error);
  };
  const away = () => reject(new BrokerUnavailable());
  using _lost = onAbort(lost, away);
  // The client does not notice when a batch stops half-way.
  using _late = callLater(REQUEST_TIMEOUT_MS, away);
  // The client may throw at once. Left as they are, these two would then reject a promise that nobody awaits.
  ask((done, message) => (done ? settle(done.err) : visit(message))).catch(settle);
  await promise;
}
