import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import pRetry from "p-retry";
import { pauseAbout } from "#lib/async/pause.ts";
import { BrokerUnavailable, HistoryFull } from "#lib/task/errors.ts";
import { ask, REQUEST_TIMEOUT_MS } from "./ask.ts";
import type { Link } from "./link.ts";
import { SourceMissing } from "./source-missing.ts";

/** At first soon, then every second or so; at random, so that those who failed together do not ask together again. */
const BACKOFF = { minTimeout: 250, maxTimeout: 1_000, factor: 2, randomize: true };
const NEVER = new AbortController().signal;

/**
 * Asks again and again until the broker has answered: after outages, and while the log is full. Throws the signal's reason
 * once it has aborted. For what does no harm when it is done twice.
 */
export async function untilAnswered<T>(
  link: Link,
  request: () => Promise<T>,
  signal = NEVER,
): Promise<T> {
  try {
    if (link.isUp && !signal.aborted) return await request();
  } catch (error) {
    if (!isNotNow(error)) throw error;
    await pauseAbout(BACKOFF.minTimeout, signal);
  }
  return askAgain(link, request, signal);
}

function askAgain<T>(link: Link, request: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const once = async () => {
    await link.whenUp(signal);
    signal.throwIfAborted();
    return request();
  };
  return pRetry(once, {
    ...BACKOFF,
    retries: Number.POSITIVE_INFINITY,
    signal,
    shouldRetry: ({ error }) => isNotNow(error),
  });
}

function isNotNow(error: unknown): boolean {
  return error instanceof BrokerUnavailable || error instanceof HistoryFull;
}

/** Writes that are under way take a few milliseconds. */
const UNDECIDED_AGAIN = { minTimeout: 5, maxTimeout: 100, factor: 1.5, randomize: true };

/**
 * Writes again as long as another write under way, which expects something of the same subject, keeps the broker from
 * deciding. Throws BrokerUnavailable when that lasts longer than an answer may take.
 */
export async function untilDecided<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUndecided(error)) throw error;
  }
  try {
    return await pRetry(write, {
      ...UNDECIDED_AGAIN,
      retries: Number.POSITIVE_INFINITY,
      maxRetryTime: REQUEST_TIMEOUT_MS,
      shouldRetry: ({ error }) => isUndecided(error),
    });
  } catch (error) {
    throw isUndecided(error) ? new BrokerUnavailable(error) : error;
  }
}

function isUndecided(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown
  );
}

/** Asks once more where somebody has deleted by hand what was asked for, when that is put back. */
export async function afterRepair<T>(
  link: Link,
  request: () => Promise<T>,
  isMissing = isGone,
): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!isMissing(error)) throw error;
    await ask(link.repair());
    return request();
  }
}

const GONE: readonly number[] = [
  JetStreamApiCodes.StreamNotFound,
  JetStreamApiCodes.ConsumerNotFound,
];

function isGone(error: unknown): boolean {
  if (error instanceof SourceMissing) return true;
  return error instanceof JetStreamApiError && GONE.includes(error.code);
}
