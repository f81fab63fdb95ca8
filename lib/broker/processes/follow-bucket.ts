import { DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { onAbort } from "#lib/async/abort.ts";
import { ask } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";
import { streamCreated } from "../link/stream-created.ts";

/** What of a bucket is followed, and who hears of it. */
export interface BucketListener {
  readonly bucket: string;
  /** May have wildcards. */
  readonly keys: string;
  /** Called with each entry that there is, and with every change. Of one that was deleted there is no value. */
  onEntry(entry: BucketEntry): void;
  /** Called once all that was there at the beginning has been told, of which there may be nothing. */
  onRead?(): void;
}

export interface BucketEntry {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly time: Date;
}

/** A process that is killed or cut off can't remove its consumer, and a stream has room for 1,000 of them. */
const FORGOTTEN_AFTER_MS = 30_000;
const PULL_EXPIRES_MS = 5_000;
const LOOK_EVERY_MS = 5_000;
/** Of the message that says that a key was deleted, and is empty otherwise. */
const OPERATION = "KV-Operation";

/**
 * Tells of the entries of a bucket until the signal aborts. Not by the client's own watch: it leaves its consumer behind for
 * five minutes each time, and in an outage that makes everybody begin again and again nobody could follow any more.
 */
export async function followBucket(
  connected: Connected,
  { bucket, keys, onEntry, onRead }: BucketListener,
  until: AbortSignal,
): Promise<void> {
  const { js, lost } = connected;
  const prefix = `$KV.${bucket}.`;
  const stream = `KV_${bucket}`;
  const created = await streamCreated(connected, stream);
  const consumer = await js.consumers.get(stream, {
    filter_subjects: [prefix + keys],
    deliver_policy: DeliverPolicy.LastPerSubject,
    inactive_threshold: FORGOTTEN_AFTER_MS,
  });
  try {
    let isRead = (await ask(consumer.info(true), lost)).num_pending === 0;
    if (isRead) onRead?.();
    const messages = await ask(consumer.consume({ expires: PULL_EXPIRES_MS }), lost);
    using _ = onAbort(until, () => messages.stop());
    using _replaced = onReplaced({ connected, stream, created }, () => messages.stop());
    for await (const message of messages) {
      onEntry(entryOf(message, prefix));
      if (isRead || message.info.pending > 0) continue;
      isRead = true;
      onRead?.();
    }
  } finally {
    if (!lost.aborted) await consumer.delete().catch(() => {});
  }
}

interface Original {
  readonly connected: Connected;
  readonly stream: string;
  readonly created: string | undefined;
}

/** Of a bucket that was deleted and made anew, the client would wait for the sequence that the first one had come to. */
function onReplaced({ connected, stream, created }: Original, act: () => void): Disposable {
  const look = async (): Promise<void> => {
    const now = await streamCreated(connected, stream).catch(() => created);
    if (now !== created) act();
  };
  const looking = setInterval(look, LOOK_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(looking) };
}

function entryOf({ subject, data, time, headers }: JsMsg, prefix: string): BucketEntry {
  const isThere = !headers?.has(OPERATION);
  return { key: subject.slice(prefix.length), value: isThere ? data : undefined, time };
}
