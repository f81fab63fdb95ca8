import { pause } from "#lib/async/pause.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import type { JanitorFigures } from "./figures.ts";

/**
 * Something that the leading gateway does again and again. It must do no harm when another gateway does the same at the
 * same time, for a leader that was frozen may not know yet that it leads no more.
 */
export interface Chore {
  /** Label of its metrics. */
  readonly name: string;
  readonly everyMs: number;
  /** Once over. Ends early when the signal aborts. */
  pass(signal: AbortSignal): Promise<void>;
}

/** Does the chore until the signal aborts; a pass that fails is told, and tried again. */
export async function keepDoing(
  chore: Chore,
  { figures, log }: { figures: JanitorFigures; log: BrokerLog },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await chore.pass(signal);
      figures.passed(chore.name, Date.now());
    } catch (error) {
      if (signal.aborted) return;
      figures.failed(chore.name);
      log.error(
        { err: error, chore: chore.name },
        "the janitor could not do a chore; it tries again",
      );
    }
    await pause(chore.everyMs, signal);
  }
}
