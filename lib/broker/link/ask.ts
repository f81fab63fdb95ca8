import { JetStreamApiError } from "@nats-io/jetstream";
// Not exported elsewhere.
import { jserrors } from "@nats-io/jetstream/internal";
import { errors } from "@nats-io/nats-core";
import { onAbort } from "#lib/async/abort.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";

/** How long one request to the broker may take before it counts as away. */
export const REQUEST_TIMEOUT_MS = 4_000;

const AWAY = [
  errors.TimeoutError,
  errors.NoRespondersError,
  errors.RequestError,
  errors.ConnectionError,
  errors.ClosedConnectionError,
  errors.DrainingConnectionError,
  // What the client makes of a stream without a leader.
  jserrors.JetStreamNotEnabled,
];

/** JetStream's own "not now": no leader, still starting, its disk does not take it; or more came in than it can take. */
const NOT_NOW: readonly number[] = [503, 429];
const STORE_FAILED = 10_077;

/** A limit of ours was reached. The same code stands for a disk that fails; only the words tell them apart. */
export function isOverLimit(error: unknown): error is JetStreamApiError {
  if (!(error instanceof JetStreamApiError) || error.code !== STORE_FAILED) return false;
  return error.message.startsWith("maximum ");
}

function isAway(error: unknown): boolean {
  if (error instanceof JetStreamApiError)
    return NOT_NOW.includes(error.status) && !isOverLimit(error);
  return AWAY.some((kind) => error instanceof kind);
}

/** Waits for an answer of the broker. One that does not come, or can't because the line is lost, means that it is away. */
export async function ask<T>(answer: Promise<T>, lost?: AbortSignal): Promise<T> {
  try {
    return await (lost ? unlessLost(answer, lost) : answer);
  } catch (error) {
    throw isAway(error) ? new BrokerUnavailable(error) : error;
  }
}

/** Waits no longer than the line is there. */
export async function unlessLost<T>(answer: Promise<T>, lost: AbortSignal): Promise<T> {
  const silence = Promise.withResolvers<never>();
  using _ = onAbort(lost, () => silence.reject(new BrokerUnavailable()));
  return await Promise.race([answer, silence.promise]);
}
