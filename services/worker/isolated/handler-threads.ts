import { fileURLToPath } from "node:url";
import { BroadcastChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import { onAbort } from "#lib/async/abort.ts";
import { pause } from "#lib/async/pause.ts";
import { compiledFolder } from "#lib/process/compile-cache.mjs";
import type { Log } from "#lib/process/log.ts";
import type { Settings } from "#lib/process/settings.ts";
import { handlerSettings, toCopyable } from "../handler-settings.ts";
import type { Preparation, PreparedHandler } from "../prepare-handler.ts";
import { threadLimits } from "../thread-limits.ts";
import { STRAYS, type StrayError, type ThreadData } from "./messages.ts";
import { SpareThread } from "./spare-thread.ts";
import { endOfThread, ThreadHandler } from "./thread-handler.ts";
import { ThreadStart } from "./thread-start.ts";

/** A thread that has nothing to do is kept for so long. */
const IDLE_MS = 60_000;
/** How often it is tried whether a thread can be started again. */
const TRY_EVERY_MS = 2_000;

const THREAD = fileURLToPath(new URL("./thread.mjs", import.meta.url));

export interface ThreadOptions {
  /** Address of the module that exports `taskTypes(settings)`. */
  readonly module: string;
  readonly settings: Settings;
  /** Whether one thread is to be ready for the next attempt, at the cost of the memory that it takes. */
  readonly keepSpare: boolean;
  /** Called when no thread can be started, with the reason. What it gives is disposed of when one can be again. */
  readonly onOutage: (reason: string) => Disposable;
  readonly log: Log;
}

/** What came of asking for a thread. */
interface Tried {
  /** Undefined: none was ready. */
  readonly handler?: PreparedHandler;
  readonly error?: unknown;
  /** Whether there was a thread that need not be started. */
  readonly wasThere: boolean;
}

/** The threads that isolated handlers run in: one ahead of need, used again, ended by force when they must be. */
export class HandlerThreads implements AsyncDisposable {
  readonly #options: ThreadOptions;
  readonly #pool: Piscina;
  readonly #strays = new BroadcastChannel(STRAYS);
  readonly #starts = new Set<ThreadStart>();
  readonly #closing = new AbortController();
  readonly #spare: SpareThread;
  /** Attempts that have a thread, or wait for one. */
  #busy = 0;
  #isOut = false;
  /** The last error of a thread that was no start any more. */
  #faultOfOneUp: unknown = Symbol();

  constructor(options: ThreadOptions) {
    const { module, settings, log } = options;
    this.#options = options;
    this.#strays.onmessage = ({ data: stray }: { data: StrayError }) =>
      log.warn(stray, "an error of a handler that nobody awaits");
    this.#strays.unref();
    const data: ThreadData = {
      module,
      settings: toCopyable(handlerSettings(settings)),
      compiled: compiledFolder(),
    };
    this.#pool = new Piscina({
      minThreads: 0,
      maxThreads: settings.concurrency,
      idleTimeout: IDLE_MS,
      // Else the pool puts a thread to sleep between attempts, and what it keeps open (sockets, timers) with it.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: threadLimits(settings.isolatedHeapMb),
      workerData: data,
    });
    this.#pool.on("workerCreate", ({ id }) => this.#isUp(id));
    this.#pool.on("error", (err) => {
      log.warn({ err }, "a handler thread broke that had no attempt");
      // What an attempt left behind broke its thread after its end.
      if (err === this.#faultOfOneUp) return;
      // A thread broke before it was up, and the pool would let whoever waits for it wait.
      for (const start of this.#starts) start.fail(err);
    });
    this.#spare = new SpareThread({
      ...{ pool: this.#pool, filename: THREAD, starts: this.#starts, log },
      isWanted: () => this.#isSpareWanted,
      closing: this.#closing.signal,
    });
    this.#spare.keep();
  }

  /** Threads that there are, or that are being started. */
  get count(): number {
    return this.#pool.threads.length;
  }

  /** Whether one waits for an attempt, with all that it needs loaded. */
  get hasSpare(): boolean {
    return this.#spare.isReady;
  }

  /** A thread that waits to call the handler. Undefined: the attempt was stopped before, or no thread can be started. */
  async prepare(given: Preparation): Promise<PreparedHandler | undefined> {
    const { stops } = given;
    const hasFailed = ({ handler }: Tried) => !(handler || stops.signal.aborted);
    let tried = await this.#try(given);
    // One that was there has ended by what was left in it. It may not be the only one, but there are no more than this.
    for (let more = this.#options.settings.concurrency; more > 0; more -= 1) {
      if (tried.wasThere && hasFailed(tried)) tried = await this.#try(given);
    }
    this.#spare.keep();
    if (hasFailed(tried)) void this.#sitOut(tried.error);
    return tried.handler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#strays.close();
    await this.#pool.destroy();
  }

  async #try(given: Preparation): Promise<Tried> {
    const { stops } = given;
    using start = new ThreadStart(this.#starts);
    using _ = onAbort(stops.signal, () => start.fail(stops.signal.reason));
    // One that an attempt has used is ready as well, and comes first.
    const isOneIdle = this.count > this.#busy + (this.#spare.isHeld ? 1 : 0);
    const wasThere = isOneIdle || this.hasSpare;
    this.#busy += 1;
    if (!isOneIdle) await this.#spare.release();
    const handler = this.#askFor(given, start);
    try {
      await handler.ready();
      return { handler, wasThere };
    } catch (error) {
      handler[Symbol.dispose]();
      return { error, wasThere };
    }
  }

  #askFor(given: Preparation, start: ThreadStart): ThreadHandler {
    const { settings, log } = this.#options;
    const handler = new ThreadHandler(given, {
      ...{ pool: this.#pool, filename: THREAD, heapMb: settings.isolatedHeapMb, start, log },
    });
    void handler.ended.then(() => {
      this.#busy -= 1;
      this.#spare.keep();
    });
    return handler;
  }

  /** Heard before the pool hears it. */
  #isUp(id: number): void {
    const thread = this.#pool.threads.find(({ threadId }) => threadId === id);
    thread?.prependListener("error", (error) => {
      this.#faultOfOneUp = error;
    });
  }

  get #isSpareWanted(): boolean {
    const { keepSpare, settings } = this.#options;
    const mayStart = !(this.#isOut || this.#closing.signal.aborted);
    return keepSpare && mayStart && this.#busy < settings.concurrency;
  }

  /** What a thread needs (file handles, memory, what the task types load) may be there again in a moment. */
  async #sitOut(error: unknown): Promise<void> {
    if (this.#isOut || this.#closing.signal.aborted) return;
    this.#isOut = true;
    const { settings, onOutage, log } = this.#options;
    const { message } = endOfThread(error, settings.isolatedHeapMb);
    log.error({ err: error }, "no handler thread can be started; no tasks are taken until one can");
    using _ = onOutage(`no handler thread can be started: ${message}`);
    do await pause(TRY_EVERY_MS, this.#closing.signal);
    while (!(this.#closing.signal.aborted || (await this.#canStart())));
    this.#isOut = false;
    this.#spare.keep();
    if (!this.#closing.signal.aborted) log.info("handler threads can be started again");
  }

  async #canStart(): Promise<boolean> {
    using start = new ThreadStart(this.#starts);
    const probe = { filename: THREAD, name: "getReady", signal: start.failed };
    try {
      await this.#pool.run(undefined, probe);
      return true;
    } catch (err) {
      this.#options.log.debug({ err }, "still no handler thread can be started");
      // The pool would keep what it could not start.
      start.fail(err);
      return false;
    }
  }
}
