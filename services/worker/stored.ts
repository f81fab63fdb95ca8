import { pause } from "#lib/async/pause.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { BrokerUnavailable, HistoryFull } from "#lib/task/errors.ts";

const AGAIN_MS = 500;
const NEVER = new AbortController().signal;

/**
 * Repeats what is asked of the log until the broker is there to take it. The task stays ours meanwhile, or becomes another's. Throws the
 * signal's reason once it has aborted.
 */
export async function stored<T>(
  broker: Broker,
  write: () => Promise<T>,
  signal = NEVER,
): Promise<T> {
  for (;;) {
    await broker.link.whenUp(signal);
    signal.throwIfAborted();
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof BrokerUnavailable || error instanceof HistoryFull)) throw error;
      await pause(AGAIN_MS, signal);
    }
  }
}
