import type { JetStreamClient } from "@nats-io/jetstream";
import { startFastIngest } from "@nats-io/jetstream/internal";
import type { NatsConnection } from "@nats-io/nats-core";

/** Stores a message, and resolves when it is stored. */
export type Write = (subject: string, data: Uint8Array) => Promise<void>;

/** Each message by itself, with an answer of its own. */
export function awaited(js: JetStreamClient): Write {
  return async (subject, data) => {
    await js.publish(subject, data);
  };
}

interface Waiting {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const MOST_IN_A_GROUP = 500;

/** What comes while one group is under way makes up the next, which is answered as a whole. */
export function grouped(nc: NatsConnection, js: JetStreamClient): Write {
  const waiting: Waiting[] = [];
  let isBusy = false;
  const storeAll = async () => {
    isBusy = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, MOST_IN_A_GROUP);
      const answer = await storeGroup(nc, js, group).then(stored, failed);
      group.forEach(answer);
    }
    isBusy = false;
  };
  return (subject, data) =>
    new Promise((resolve, reject) => {
      waiting.push({ subject, data, resolve, reject });
      if (!isBusy) void storeAll();
    });
}

function stored(): (waiting: Waiting) => void {
  return ({ resolve }) => resolve();
}

function failed(error: unknown): (waiting: Waiting) => void {
  return ({ reject }) => reject(error);
}

async function storeGroup(
  nc: NatsConnection,
  js: JetStreamClient,
  group: readonly Waiting[],
): Promise<void> {
  const [first, ...others] = group;
  const last = others.pop();
  if (!first) return;
  if (!last) {
    await js.publish(first.subject, first.data);
    return;
  }
  const options = { allowGaps: false, ackInterval: MOST_IN_A_GROUP };
  const batch = await startFastIngest(nc, first.subject, first.data, options);
  const added = others.map(({ subject, data }) => batch.add(subject, data));
  const ack = batch.last(last.subject, last.data);
  await Promise.all(added);
  const { count } = await ack;
  if (count !== group.length) throw new Error(`of ${group.length} messages ${count} were stored`);
}
