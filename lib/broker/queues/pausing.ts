import type { ConsumerInfo } from "@nats-io/jetstream";
import { createInbox, nanos } from "@nats-io/nats-core";
import { pause } from "#lib/async/pause.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import type { Dialed } from "../link/link.ts";

/** As good as for ever: the broker only knows pauses that end by themselves. */
const PAUSED_UNTIL = new Date("2200-01-01T00:00:00Z");

/** Has a consumer begin its life paused. */
export const PAUSED = { pause_until: PAUSED_UNTIL.toISOString() };

/** A cluster answers before its servers have done it; looked at more often than this, it does not do it at all. */
const MAX_LOOKS = 100;
const LOOK_EVERY_MS = 20;
const NEVER = new AbortController().signal;

/** Thrown when the servers say that they pause or resume a consumer, and don't: that which leads it has lost its files. */
export class PauseIgnored extends BrokerUnavailable {}

/**
 * Makes sure that a consumer hands out nothing, or does so again. A paused one answers pulls as if nothing waited, those
 * that were waiting already too; and it stays paused when the server restarts.
 */
export async function ensurePaused(
  dialed: Dialed,
  found: ConsumerInfo,
  paused: boolean,
): Promise<void> {
  const { stream_name: stream, name } = found;
  const { consumers } = dialed.jsm;
  let isPaused = found.paused === true;
  for (let looks = 0; isPaused !== paused; looks += 1) {
    if (looks === MAX_LOOKS) throw new PauseIgnored();
    if (looks > 0) await pause(LOOK_EVERY_MS, NEVER);
    if (paused) await consumers.pause(stream, name, PAUSED_UNTIL);
    else await consumers.resume(stream, name);
    isPaused = (await consumers.info(stream, name)).paused === true;
    if (!isPaused) wake(dialed, stream, name);
  }
}

/**
 * A resumed consumer does not look by itself whether somebody waits; the next pull has it look. This one is no good for
 * anything else: there is no task so small that it fits.
 */
function wake({ nc }: Dialed, stream: string, name: string): void {
  const nothing = JSON.stringify({ batch: 1, max_bytes: 1, expires: nanos(1) });
  nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, nothing, { reply: createInbox() });
}
