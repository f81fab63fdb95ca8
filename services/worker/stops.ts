import { callLater } from "#lib/async/timers.ts";
import type { AttemptLimits } from "#lib/task/attempt-limits.ts";
import { AttemptStopped, supersedes } from "#lib/task/outcome.ts";

/** How long a handler may take to clean up after its signal; then it is ended, or left to itself. */
export const CLEAN_UP_MS = 5_000;

/** The stops of one attempt, until it has ended: by its limits, a cancel, or a worker that leaves. */
export class Stops implements Disposable {
  readonly #asked = new AbortController();
  readonly #end = new AbortController();
  readonly #timers = new Set<Disposable>();
  #reason: AttemptStopped | undefined;

  /** What the handler sees. It can abort only once, so it does at the first stop. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** Aborts when the handler has had its time, and nobody waits for it any more. */
  get end(): AbortSignal {
    return this.#end.signal;
  }

  /** The stop that counts. */
  get reason(): AttemptStopped | undefined {
    return this.#reason;
  }

  stop(reason: AttemptStopped): void {
    if (!supersedes(reason, this.#reason)) return;
    const wasAsked = this.signal.aborted;
    this.#reason = reason;
    this.#asked.abort(reason);
    if (reason.why === "soft timeout") return;
    // Whoever was asked before has had the time between the two limits to clean up.
    if (wasAsked && isHardLimit(reason)) this.#end.abort(reason);
    else this.#later(CLEAN_UP_MS, () => this.#end.abort(reason));
  }

  /** Stops it when its time is up. */
  startLimits({ softMs, hardMs, endsTask }: AttemptLimits): void {
    if (softMs !== undefined) {
      const message = `the attempt took longer than its soft limit of ${softMs} ms`;
      this.#later(softMs, () => this.stop(new AttemptStopped("soft timeout", message)));
    }
    const reason = () =>
      endsTask
        ? new AttemptStopped("task timed out", "the task had not ended by its deadline")
        : new AttemptStopped("timed out", `the attempt took longer than ${hardMs} ms`);
    this.#later(hardMs, () => this.stop(reason()));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #later(ms: number, act: () => void): void {
    this.#timers.add(callLater(ms, act));
  }
}

function isHardLimit({ why }: AttemptStopped): boolean {
  return why === "timed out" || why === "task timed out";
}
