import { pause } from "#lib/process/pause.ts";
import type { BrokerLog, Connected, Link } from "./link.ts";

const AGAIN_AFTER_MS = 500;

export interface Chore {
  /** What it does, for the log. */
  readonly name: string;
  readonly log: BrokerLog;
  /** Ends it for good. */
  readonly signal: AbortSignal;
  /** Runs until the signal aborts, which it does when the link goes down. */
  run(connected: Connected, signal: AbortSignal): Promise<void>;
}

/** Keeps a chore running while the link is up: afresh after every outage, and again after an error of its own. */
export async function keepRunning(link: Link, chore: Chore): Promise<void> {
  const { signal } = chore;
  while (!signal.aborted) {
    await link.whenUp(signal);
    if (signal.aborted || !link.isUp) continue;
    const connected = link.use();
    const until = AbortSignal.any([signal, connected.lost]);
    try {
      await chore.run(connected, until);
    } catch (error) {
      if (until.aborted) continue;
      chore.log.error({ err: error, chore: chore.name }, "chore failed; it starts again");
    }
    await pause(AGAIN_AFTER_MS, until);
  }
}
