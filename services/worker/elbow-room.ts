import { onAbort } from "#lib/async/abort.ts";
import { timeoutSignal } from "#lib/async/timers.ts";

/** How long the others get to leave: whoever waits to be alone keeps its worker from taking tasks. */
const PATIENCE_MS = 60_000;

/**
 * Who runs beside whom in this worker. When a worker dies, each attempt in it is suspected of it; so before one is
 * condemned, it runs with nobody beside it who could have done it instead.
 */
export class ElbowRoom {
  #inside = 0;
  /** Whether somebody is alone, or waits to be. */
  #reserved = false;
  #closed = 0;
  readonly #waiting = new Set<() => void>();
  readonly #patienceMs: number;

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  /** Runs beside others; undefined while somebody has to be alone, and while it is closed. */
  enter(): Disposable | undefined {
    return this.isShared ? this.#place() : undefined;
  }

  /** Lets nobody in until what it gives is disposed of. */
  close(): Disposable {
    this.#closed += 1;
    return {
      [Symbol.dispose]: () => {
        this.#closed -= 1;
        this.#tell();
      },
    };
  }

  /**
   * Runs alone, when those inside have left; beside those that take too long. Undefined if that is another's turn, if it
   * is closed, or if the signal aborts first.
   */
  async enterAlone(signal: AbortSignal): Promise<Disposable | undefined> {
    if (!this.isShared) return undefined;
    this.#reserved = true;
    const enough = AbortSignal.any([signal, timeoutSignal(this.#patienceMs)]);
    await this.#until(() => this.#inside === 0, enough);
    const free = () => {
      this.#reserved = false;
    };
    if (this.#inside === 0) return this.#place(free);
    free();
    this.#tell();
    return signal.aborted ? undefined : this.#place();
  }

  /** Whether one more may enter: nobody has to be alone, and it is not closed. */
  get isShared(): boolean {
    return !this.#reserved && this.#closed === 0;
  }

  /** Resolves when one more may enter, or when the signal aborts. */
  shared(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.isShared, signal);
  }

  #place(onLeave = () => {}): Disposable {
    this.#inside += 1;
    return {
      [Symbol.dispose]: () => {
        this.#inside -= 1;
        onLeave();
        this.#tell();
      },
    };
  }

  #tell(): void {
    for (const look of this.#waiting) look();
  }

  async #until(fact: () => boolean, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => fact() && resolve();
    this.#waiting.add(look);
    using _ = onAbort(signal, resolve);
    look();
    await promise;
    this.#waiting.delete(look);
  }
}
