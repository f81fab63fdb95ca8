import { aborted } from "#lib/async/abort.ts";
import { pause } from "#lib/async/pause.ts";
import type { Readiness } from "./readiness.ts";

export interface Serving {
  /** Aborts when the process is asked to stop. */
  readonly leaving: AbortSignal;
  /** Rejects when the process can't go on. */
  readonly unfit: Promise<never>;
  readonly readiness: Readiness;
  /** How long it serves on when it is asked to stop. */
  readonly drainMs: number;
  /** What is to be closed first, for callers are behind it. */
  readonly doors: readonly { leave(): Promise<void> }[];
  /** What runs beside the calls, until its signal aborts. */
  readonly chores: (signal: AbortSignal) => Promise<unknown>;
}

/** Serves until it is asked to stop and drained, or can't go on; then lets the callers finish, and ends the chores. */
export async function serve(serving: Serving): Promise<void> {
  const left = new AbortController();
  const chores = serving.chores(left.signal);
  try {
    await Promise.race([drained(serving, left.signal), serving.unfit]);
  } finally {
    serving.readiness.red("process", "leaving");
    await Promise.all(serving.doors.map((door) => door.leave()));
    left.abort();
    await chores;
  }
}

/** Once it is red, load balancers send calls elsewhere. Until they have seen that, calls still come, and are served. */
async function drained({ leaving, readiness, drainMs }: Serving, left: AbortSignal): Promise<void> {
  await aborted(leaving);
  readiness.red("process", "leaving");
  await pause(drainMs, left);
}
