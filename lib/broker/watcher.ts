import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { WatcherTooSlow } from "#lib/task/errors.ts";

/** Events that a watcher may be behind, not counting progress that a newer one has replaced. */
export const MAX_BEHIND = 1_024;

/**
 * What happened to one task and was not yet read by its watcher. Of progress only the newest is kept; nothing else is
 * ever dropped, and a watcher that is too far behind is closed instead.
 */
export class Watcher {
  readonly #unread: TaskEvent[] = [];
  #lastRead: bigint;
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(afterSequence: bigint) {
    this.#lastRead = afterSequence;
  }

  push(event: TaskEvent): void {
    const newest = this.#unread.at(-1);
    if (event.facet.case === "progress" && newest?.facet.case === "progress") this.#unread.pop();
    if (this.#unread.length >= MAX_BEHIND) this.fail(new WatcherTooSlow(this.#lastRead));
    else this.#unread.push(event);
    this.#wake?.();
  }

  /** Ends the watch with the error. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  /** The caller has read up to here by other means; what is not later is not handed out again. */
  skipTo(sequence: bigint): void {
    if (sequence > this.#lastRead) this.#lastRead = sequence;
  }

  /** What was pushed, in order, each once, until the signal aborts. */
  async *events(signal: AbortSignal): AsyncGenerator<TaskEvent> {
    const wake = () => this.#wake?.();
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        if (this.#failure) throw this.#failure;
        const event = this.#unread.shift();
        if (!event) await this.#pushed(signal);
        else if (event.sequence > this.#lastRead) {
          this.#lastRead = event.sequence;
          yield event;
        }
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  #pushed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (signal.aborted || this.#unread.length > 0 || this.#failure) resolve();
    });
  }
}
