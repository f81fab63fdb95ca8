import { setImmediate } from "node:timers/promises";

/** Longest that work of one kind may keep all else waiting. */
const SLICE_MS = 10;

/** Lets others in between the pieces of long work, of which no single one waits for anything. */
export class Turns {
  #sinceMs = performance.now();
  #last: Promise<unknown> = Promise.resolve();

  /** To be awaited before each piece. Those that had to wait go on one after the other, each in a turn of its own. */
  async next(): Promise<void> {
    if (performance.now() - this.#sinceMs < SLICE_MS) return;
    this.#last = this.#last.then(() => setImmediate());
    await this.#last;
    this.#sinceMs = performance.now();
  }
}
