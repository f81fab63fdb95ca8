import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Piscina } from "piscina";
import { onAbort } from "#lib/async/abort.ts";
import type { Log } from "#lib/process/log.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import type { HandlerEnd } from "#lib/task/outcome.ts";
import type { Cue, Preparation, PreparedHandler } from "../prepare-handler.ts";
import type { FromThread, RefusedError, ThreadAttempt, ToThread } from "./messages.ts";
import type { ThreadStart } from "./thread-start.ts";

export interface ThreadHandlerOptions {
  readonly pool: Piscina;
  /** The module of the threads. */
  readonly filename: string;
  readonly heapMb: number;
  readonly start: ThreadStart;
  readonly log: Pick<Log, "warn">;
}

/** What ended a thread before it was free again. */
interface Broken {
  readonly error: unknown;
}

/** A handler in a thread, from when a thread is asked for until the attempt has ended. */
export class ThreadHandler implements PreparedHandler {
  readonly #options: ThreadHandlerOptions;
  readonly #stops: Preparation["stops"];
  readonly #port: MessagePort;
  readonly #heard = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #ready = Promise.withResolvers<void>();
  readonly #taskType: string;
  readonly #unclean = new AbortController();
  /** Resolves when its thread is free again, or has ended. */
  readonly ended: Promise<Broken | undefined>;
  #isReady = false;
  #cue: Cue | undefined;
  /** How the handler ended, as its thread says. */
  #end: HandlerEnd | undefined;

  constructor({ type, input, stops }: Preparation, options: ThreadHandlerOptions) {
    this.#options = options;
    this.#stops = stops;
    const { port1: ours, port2: theirs } = new MessageChannel();
    this.#port = ours;
    ours.on("message", (said: FromThread) => this.#hear(said));
    const { typeName } = type.input;
    this.#taskType = typeName;
    this.ended = this.#run({ typeName, input, heard: this.#heard, port: theirs });
  }

  /** Resolves when the thread waits for the call. Throws why it never will. */
  async ready(): Promise<void> {
    const broken = await Promise.race([this.#ready.promise, this.ended]);
    this.#hearAll();
    // One that was ready and has ended since fails the attempt, and counts.
    if (!this.#isReady && broken) throw broken.error;
  }

  async call(cue: Cue): Promise<HandlerEnd | undefined> {
    this.#cue = cue;
    const { taskId, number, id, idempotencyKey, deadline, checkpoint } = cue.context;
    const words = { taskId, number, id, idempotencyKey, deadline, checkpoint };
    this.#tell({ kind: "call", ...words });
    const { signal, end: force } = this.#stops;
    using _ = onAbort(signal, () => {
      const { why, message } = signal.reason;
      this.#tell({ kind: "stop", why, message });
    });
    const broken = await this.ended;
    // Its last words may still be under way when it is known to have ended.
    this.#hearAll();
    if (this.#end || force.aborted) return this.#end;
    // The pool takes a thread that throws null where nobody awaits it for one that has ended well.
    const { error } = broken ?? { error: new Error("it threw null, or ended without a word") };
    return endOfThread(error, this.#options.heapMb);
  }

  [Symbol.dispose](): void {
    // A thread that waits for the call sees the port close, and is free for another attempt.
    this.#port.close();
    // Where no thread could be started, the pool would keep the attempt, and run it when there is one again.
    if (!this.#isReady) this.#options.start.fail(new Error("nobody waits for it"));
  }

  /** Never throws. */
  async #run(attempt: ThreadAttempt): Promise<Broken | undefined> {
    const { pool, filename, start } = this.#options;
    const signal = AbortSignal.any([this.#stops.end, start.failed, this.#unclean.signal]);
    const options = { filename, name: "attempt", signal, transferList: [attempt.port] };
    try {
      await pool.run(attempt, options);
      return undefined;
    } catch (error) {
      return { error: start.failed.aborted ? start.failed.reason : error };
    }
  }

  #hearAll(): void {
    for (let next = receiveMessageOnPort(this.#port); next; ) {
      this.#hear(next.message);
      next = receiveMessageOnPort(this.#port);
    }
  }

  #hear(said: FromThread): void {
    switch (said.kind) {
      case "ready":
        this.#isReady = true;
        this.#ready.resolve();
        return;
      case "note":
        this.#cue?.notes.relay(said.facet);
        Atomics.add(this.#heard, 0, 1);
        Atomics.notify(this.#heard, 0);
        return;
      case "save checkpoint":
        this.#save(said);
        return;
      case "ended":
        this.#end = said.end;
        return;
      case "left unclean":
        this.#endThread();
    }
  }

  #endThread(): void {
    const { taskId, number: attempt } = this.#cue?.context ?? {};
    const who = { taskId, attempt, taskType: this.#taskType };
    this.#options.log.warn(who, "a handler left timers behind; its thread is not used again");
    this.#unclean.abort(new Error("it was left unclean"));
  }

  #save({ id, state }: Extract<FromThread, { kind: "save checkpoint" }>): void {
    this.#cue?.context.saveCheckpoint(state).then(
      () => this.#tell({ kind: "checkpoint saved", id }),
      (error) => this.#tell({ kind: "checkpoint refused", id, error: refused(error) }),
    );
  }

  #tell(message: ToThread): void {
    this.#port.postMessage(message);
  }
}

/** A thread answers with how its handler ended; it does not throw but when it ends itself. */
export function endOfThread(error: unknown, heapMb: number) {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    const message = `the handler's thread ran out of its ${heapMb} MB of heap`;
    return { kind: "retry", code: "OUT_OF_MEMORY", message } as const;
  }
  const why = errorMessage(error);
  const message = `the handler's thread died: ${why}`;
  return { kind: "retry", code: "THREAD_DIED", message } as const;
}

function refused(error: unknown): RefusedError {
  const message = errorMessage(error);
  return { message, code: error instanceof PermanentError ? error.code : undefined };
}
