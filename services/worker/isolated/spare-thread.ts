import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Piscina } from "piscina";
import { pause } from "#lib/async/pause.ts";
import { callLater } from "#lib/async/timers.ts";
import type { Log } from "#lib/process/log.ts";
import { ThreadStart } from "./thread-start.ts";

/** How often it is tried to get a thread ready. */
const TRY_EVERY_MS = 2_000;
/** A thread that does not let go by then is kept busy by what an earlier attempt left behind, and is ended. */
const LET_GO_MS = 1_000;

export interface SpareThreadOptions {
  readonly pool: Piscina;
  /** The module of the threads. */
  readonly filename: string;
  /** All threads that are waited for. */
  readonly starts: Set<ThreadStart>;
  /** Whether an attempt could come, and a thread be started for it. */
  readonly isWanted: () => boolean;
  readonly closing: AbortSignal;
  readonly log: Log;
}

interface Held {
  /** The thread waits until this closes. */
  readonly port: MessagePort;
  readonly start: ThreadStart;
  /** Resolves when the thread has let go, or has ended. */
  over: Promise<void>;
  isReady: boolean;
}

/**
 * One thread that has loaded the task types and waits: an attempt would else have to wait while a thread starts. For the
 * pool it is at work, so that it does not end for having nothing to do.
 */
export class SpareThread {
  readonly #options: SpareThreadOptions;
  #held: Held | undefined;
  #isFailing = false;

  constructor(options: SpareThreadOptions) {
    this.#options = options;
  }

  /** Whether it has a thread, or waits for one. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  get isReady(): boolean {
    return this.#held?.isReady ?? false;
  }

  /** Holds one of the pool's threads that do nothing, or has one started; unless it has one, or none is wanted. */
  keep(): void {
    if (!this.#held && this.#options.isWanted()) this.#held = this.#hold();
  }

  /** Leaves the thread to whoever asks the pool next; one that is still to be ready, when it is. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    held?.port.close();
    if (!held?.isReady) return;
    const stuck = new Error("the spare thread does not answer");
    using _ = callLater(LET_GO_MS, () => held.start.fail(stuck));
    await held.over;
  }

  #hold(): Held {
    const { port1: port, port2: theirs } = new MessageChannel();
    const held: Held = {
      port,
      start: new ThreadStart(this.#options.starts),
      isReady: false,
      over: Promise.resolve(),
    };
    port.once("message", () => {
      held.isReady = true;
      this.#isFailing = false;
      held.start[Symbol.dispose]();
    });
    held.over = this.#run(held, theirs);
    return held;
  }

  /** Never throws. */
  async #run(held: Held, port: MessagePort): Promise<void> {
    const { pool, filename } = this.#options;
    using start = held.start;
    const options = { filename, name: "hold", signal: start.failed, transferList: [port] };
    try {
      await pool.run(port, options);
    } catch (error) {
      this.#lost(held, error);
    } finally {
      held.port.close();
    }
  }

  #lost(held: Held, error: unknown): void {
    const { closing, log } = this.#options;
    if (closing.aborted) return;
    // It is no outage: nobody waits for it.
    log[this.#isFailing ? "debug" : "warn"]({ err: error }, "no spare handler thread is ready");
    this.#isFailing = true;
    // The pool would keep what it could not start.
    held.start.fail(error);
    if (this.#held !== held) return;
    this.#held = undefined;
    void pause(TRY_EVERY_MS, closing).then(() => this.keep());
  }
}
