import { createInbox, type Msg, nanos } from "@nats-io/nats-core";
import { onAbort } from "#lib/async/abort.ts";
import { callLater } from "#lib/async/timers.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { REQUEST_TIMEOUT_MS } from "../link/ask.ts";
import type { Connected } from "../link/link.ts";
import { SourceMissing } from "../link/source-missing.ts";
import { Delivery } from "./delivery.ts";

/** A durable consumer to pull from. */
export interface Source {
  readonly stream: string;
  readonly consumer: string;
}

/** How long a worker without work waits before it asks anew; so a pull that was lost costs no more than this. */
const WAIT_MS = 4_000;
const NO_RESPONDERS = 503;

/** Takes up to `count` waiting tasks, and none if none waits. */
export async function takeNow(
  connected: Connected,
  source: Source,
  count: number,
): Promise<Delivery[]> {
  const { taken, codes } = await answersOf(connected, {
    sources: [source],
    request: { batch: count, no_wait: true },
    isEnough: (got) => got.codes.length > 0 || got.taken.length === count,
    withinMs: REQUEST_TIMEOUT_MS,
    signal: connected.lost,
    moreMayCome: false,
  });
  if (codes.includes(NO_RESPONDERS)) throw new SourceMissing(source);
  // What came before a silence is on loan to us all the same.
  if (taken.length === 0 && codes.length === 0) throw new BrokerUnavailable();
  return taken;
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
  const { taken } = await answersOf(connected, {
    sources,
    request: { batch: 1, expires: nanos(WAIT_MS) },
    isEnough: (got) => got.taken.length > 0 || got.codes.length === sources.length,
    withinMs: WAIT_MS + REQUEST_TIMEOUT_MS,
    signal,
    moreMayCome: true,
  });
  return taken;
}

interface Answers {
  readonly taken: Delivery[];
  /** The broker's own words: no (more) messages, no such consumer, the time is up. */
  readonly codes: number[];
}

interface Pull {
  readonly sources: readonly Source[];
  readonly request: { batch: number; no_wait: true } | { batch: number; expires: number };
  readonly isEnough: (got: Answers) => boolean;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Whether a task may be on its way to us when we have enough. */
  readonly moreMayCome: boolean;
}

async function answersOf({ nc }: Connected, options: Pull): Promise<Answers> {
  const got: Answers = { taken: [], codes: [] };
  const answered = Promise.withResolvers<void>();
  const inbox = createInbox();
  const messages = nc.subscribe(inbox, {
    callback: (_, message) => {
      const code = codeOf(message);
      if (code === undefined) got.taken.push(new Delivery(nc, message));
      else got.codes.push(code);
      if (options.isEnough(got)) answered.resolve();
    },
  });
  // The client's own timeout ends with the first message; ours covers the whole answer.
  using _timer = callLater(options.withinMs, answered.resolve);
  using _aborted = onAbort(options.signal, answered.resolve);
  for (const { stream, consumer } of options.sources) {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    nc.publish(subject, JSON.stringify(options.request), { reply: inbox });
  }
  await answered.promise;
  // Drained rather than dropped: a task that is on its way would else be on loan to nobody until its time is up.
  if (options.moreMayCome && !messages.isClosed()) await messages.drain().catch(() => {});
  else messages.unsubscribe();
  return got;
}

function codeOf({ headers }: Msg): number | undefined {
  return headers?.code || undefined;
}
