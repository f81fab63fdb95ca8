import { pauseAbout } from "#lib/async/pause.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import type { BrokerLog, Connected, Link } from "./link.ts";
import { SourceMissing } from "./source-missing.ts";

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
  while (!chore.signal.aborted) {
    await link.whenUp(chore.signal);
    if (!chore.signal.aborted && link.isUp) await runOnce(link, chore);
  }
}

async function runOnce(link: Link, chore: Chore): Promise<void> {
  const connected = link.use();
  const until = AbortSignal.any([chore.signal, connected.lost]);
  try {
    await chore.run(connected, until);
  } catch (error) {
    if (until.aborted) return;
    if (error instanceof BrokerUnavailable) link.suspect();
    chore.log.error({ err: error, chore: chore.name }, "chore failed; it starts again");
    if (error instanceof SourceMissing) await link.repair().catch(() => {});
  }
  await pauseAbout(AGAIN_AFTER_MS, until);
}
