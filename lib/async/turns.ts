import { setImmediate as turn } from "node:timers/promises";

/** Longest that work of one kind may keep all else waiting. */
const SLICE_MS = 10;

/** Lets others in between the pieces of long work, of which no single one waits for anything. */
export class Turns {
  #beganMs: number | undefined;
  #last: Promise<void> = Promise.resolve();

  /** To be awaited right before each piece: whoever asks next is not answered before that piece is done. */
  next(): Promise<void> {
    this.#last = this.#last.then(async () => {
      while (this.#isSpent()) await turn();
    });
    return this.#last;
  }

  /** Whether this turn of the event loop has been ours for long enough. */
  #isSpent(): boolean {
    const nowMs = performance.now();
    if (this.#beganMs === undefined) {
      this.#beganMs = nowMs;
      setImmediate(() => {
        this.#beganMs = undefined;
      });
    }
    return nowMs - this.#beganMs >= SLICE_MS;
  }
}
