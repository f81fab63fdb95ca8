import { createInbox, type Msg, nanos } from "@nats-io/nats-core";
import { BrokerAway } from "#lib/task/errors.ts";
import type { LevelToken } from "#lib/task/priority.ts";
import { Delivery } from "./delivery.ts";
import { type Connected, REQUEST_TIMEOUT_MS } from "./link.ts";
import { queueStream } from "./names.ts";

/** A durable consumer to pull from. */
export interface Source {
  readonly stream: string;
  readonly consumer: string;
}

export function queueSource(queue: string, level: LevelToken): Source {
  return { stream: queueStream(queue), consumer: level };
}

/** How long a worker without work waits before it asks anew; so a pull that was lost costs no more than this. */
const WAIT_MS = 4_000;

type PullRequest = { batch: number; no_wait: true } | { batch: number; expires: number };

function askFor(
  connected: Connected,
  { stream, consumer }: Source,
  reply: string,
  request: PullRequest,
): void {
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  connected.nc.publish(subject, JSON.stringify(request), { reply });
}

const NO_RESPONDERS = 503;

/** The code of a message that is the broker's own word: no (more) messages, or no such consumer. */
function statusOf({ headers }: Msg): number | undefined {
  return headers?.code || undefined;
}

/** Thrown when the consumer is not there: it was deleted, or its stream was. */
export class SourceMissing extends Error {
  override name = "SourceMissing";

  constructor({ stream, consumer }: Source) {
    super(`consumer ${consumer} of ${stream} is not there`);
  }
}

/** Takes up to `count` waiting tasks, and none if none waits. */
export async function takeNow(
  connected: Connected,
  source: Source,
  count: number,
): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  try {
    for await (const delivery of waitingNow(connected, source, count)) taken.push(delivery);
  } catch (error) {
    // What came before the silence is on loan to us all the same.
    if (taken.length === 0) throw error instanceof SourceMissing ? error : new BrokerAway(error);
  }
  return taken;
}

async function* waitingNow(
  connected: Connected,
  source: Source,
  count: number,
): AsyncGenerator<Delivery> {
  const inbox = createInbox();
  const messages = connected.nc.subscribe(inbox, { timeout: REQUEST_TIMEOUT_MS });
  askFor(connected, source, inbox, { batch: count, no_wait: true });
  let missing = count;
  for await (const message of messages) {
    const status = statusOf(message);
    if (status === NO_RESPONDERS) throw new SourceMissing(source);
    if (status !== undefined) return;
    yield new Delivery(connected.nc, message);
    missing -= 1;
    if (missing === 0) return;
  }
}

/**
 * Waits until one of the sources has a task, some seconds at most, or until the signal aborts. Gives back what came:
 * mostly one task or none, more if several sources had one in the same instant.
 */
export async function takeNext(
  connected: Connected,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<Delivery[]> {
  const { nc } = connected;
  const taken: Delivery[] = [];
  const enough = Promise.withResolvers<void>();
  const inbox = createInbox();
  let silent = 0;
  const messages = nc.subscribe(inbox, {
    callback: (_, message) => {
      if (statusOf(message) !== undefined) silent += 1;
      else taken.push(new Delivery(nc, message));
      if (taken.length > 0 || silent === sources.length) enough.resolve();
    },
  });
  const timer = setTimeout(enough.resolve, WAIT_MS + REQUEST_TIMEOUT_MS);
  const stop = () => enough.resolve();
  signal.addEventListener("abort", stop, { once: true });
  for (const source of sources) {
    askFor(connected, source, inbox, { batch: 1, expires: nanos(WAIT_MS) });
  }
  if (signal.aborted) stop();
  await enough.promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
  // Drain rather than unsubscribe: a task that is on its way would else be on loan to nobody until its time is up.
  if (!messages.isClosed()) await messages.drain().catch(() => {});
  return taken;
}
