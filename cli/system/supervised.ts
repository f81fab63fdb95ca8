import { pause } from "#lib/async/pause.ts";
import { type Running, shownExit } from "./running.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** Whoever ran that long did not die of how it was started. */
const HEALTHY_MS = 30_000;

export interface SupervisedOptions {
  readonly name: string;
  readonly start: () => Promise<Running>;
  /** Resolves when the process that was started last can do its work. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  readonly tell: (line: string) => void;
}

/** A process that is started again whenever it dies, until it is stopped. */
export class Supervised {
  readonly name: string;
  readonly #options: SupervisedOptions;
  readonly #stopping = new AbortController();
  #running: Running | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #pauseMs = FIRST_PAUSE_MS;
  #killed = false;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Starts it for the first time, and resolves when it is ready. One that dies before is not started again. */
  async start(signal: AbortSignal): Promise<void> {
    const running = await this.#launch();
    const waited = new AbortController();
    try {
      await Promise.race([
        this.#options.ready(AbortSignal.any([signal, waited.signal])),
        running.exited.then((exit) => {
          signal.throwIfAborted();
          throw new Error(`${this.name} ended with ${shownExit(exit)}`);
        }),
      ]);
    } finally {
      waited.abort();
    }
    this.#keeping = this.#keep(running);
  }

  /** Stops it for good, as long as that may take. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.stop();
    await this.#keeping;
  }

  /** Ends it at once, for good. */
  kill(): void {
    this.#killed = true;
    this.#stopping.abort();
    this.#running?.kill("SIGKILL");
  }

  async #launch(): Promise<Running> {
    const running = await this.#options.start();
    this.#running = running;
    if (this.#killed) running.kill("SIGKILL");
    return running;
  }

  async #keep(first: Running): Promise<void> {
    let running = first;
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now();
      const exit = await running.exited;
      if (this.#stopping.signal.aborted) return;
      if (performance.now() - startedAt > HEALTHY_MS) this.#pauseMs = FIRST_PAUSE_MS;
      this.#tell(`died (${shownExit(exit)})`);
      const next = await this.#startAgain();
      if (next === undefined) return;
      running = next;
    }
  }

  /** Tries until it starts; undefined when it was stopped meanwhile. */
  async #startAgain(): Promise<Running | undefined> {
    for (;;) {
      this.#tell(`starts again in ${this.#pauseMs / 1000} s`);
      await pause(this.#pauseMs, this.#stopping.signal);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
      if (this.#stopping.signal.aborted) return undefined;
      try {
        const running = await this.#launch();
        if (this.#stopping.signal.aborted) await running.stop();
        void this.#tellWhenReady(running);
        return running;
      } catch (error) {
        this.#tell(`did not start: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  async #tellWhenReady(running: Running): Promise<void> {
    const ended = new AbortController();
    void running.exited.then(() => ended.abort());
    try {
      await this.#options.ready(AbortSignal.any([ended.signal, this.#stopping.signal]));
      this.#tell("is ready again");
    } catch {
      // It died or was stopped first, which is told elsewhere.
    }
  }

  #tell(what: string): void {
    this.#options.tell(`${this.name} ${what}`);
  }
}
