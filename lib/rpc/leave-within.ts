import { pause } from "#lib/async/pause.ts";
import type { Leaving } from "./leaving.ts";

/** How long the last answers get to reach their callers. */
const FLUSH_MS = 250;

/** A server that can be closed. */
interface Closing {
  /** Accepts nothing new; resolves when the last connection is gone. */
  close(): Promise<void>;
  /** Cuts all connections. */
  destroy(): void;
}

/**
 * Streams end at once, unary calls get the grace to finish. Then they are told to call elsewhere, and whoever has not
 * hung up by then is cut off.
 */
export async function leaveWithin(
  graceMs: number,
  leaving: Leaving,
  server: Closing,
): Promise<void> {
  leaving.endStreams();
  const closed = server.close();
  const grace = new AbortController();
  const force = async () => {
    await pause(graceMs, grace.signal);
    if (grace.signal.aborted) return;
    leaving.endCalls();
    await pause(FLUSH_MS, grace.signal);
    if (!grace.signal.aborted) server.destroy();
  };
  const forced = force();
  await closed;
  // The last connection was gone in time.
  grace.abort();
  await forced;
}
