import { pause } from "#lib/async/pause.ts";
import { callLater } from "#lib/async/timers.ts";
import type { Link } from "../link/link.ts";
import type { LogScan } from "../log/log-scan.ts";
import type { TaskLog } from "../log/task-log.ts";
import type { Watchers } from "./watchers.ts";

/** Deletes come in bursts: one look is for all of them. */
const GATHER_MS = 1_000;
const AT_ONCE = 1_000;

/** A replica that answers is seldom further behind than that. */
const LAG_MS = 5_000;

interface Parts {
  readonly link: Link;
  readonly log: TaskLog;
  readonly scan: LogScan;
  readonly watchers: Watchers;
}

/**
 * Ends the watches of tasks that ended and were deleted before we heard of it: with their history went the event that
 * would have ended them.
 */
export class UnseenDeletes implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #closing = new AbortController();
  #isDue = false;
  #again: Disposable | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Looks soon, and again until it has seen all; and once more later, for a replica may lag and still have the task. */
  look(): void {
    if (this.#closing.signal.aborted) return;
    this.#again?.[Symbol.dispose]();
    this.#again = callLater(LAG_MS, () => this.#lookSoon());
    this.#lookSoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#again?.[Symbol.dispose]();
    this.#closing.abort();
    await this.#looking;
  }

  #lookSoon(): void {
    this.#isDue = true;
    this.#looking ??= this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#isDue && !signal.aborted) {
      await pause(GATHER_MS, signal);
      await this.#parts.link.whenUp(signal);
      this.#isDue = false;
      await this.#endGone().catch(() => {
        this.#isDue = true;
      });
    }
    // Here, and not when it has resolved: a look that is asked for in between would wait for the next one.
    this.#looking = undefined;
  }

  async #endGone(): Promise<void> {
    const { log, scan, watchers } = this.#parts;
    const ids = watchers.taskIds;
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      const there = await scan.newest(some, ["spec"]);
      for (const id of some) {
        const [spec] = there.get(id) ?? [];
        if (spec && watchers.areOf(id, spec.sequence)) continue;
        // That may have been of a replica that lags.
        await watchers.endGone(id, async () => {
          const standing = await log.read(id);
          return standing && BigInt(standing.fence.specSequence);
        });
      }
    }
  }
}
