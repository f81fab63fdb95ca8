import { fileURLToPath } from "node:url";
import {
  BroadcastChannel,
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
} from "node:worker_threads";
import { Piscina } from "piscina";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { onAbort } from "#lib/process/leaving.ts";
import type { Log } from "#lib/process/log.ts";
import type { Settings } from "#lib/process/settings.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import type { HandlerEnd } from "#lib/task/outcome.ts";
import type { Context } from "../handle.ts";
import { handlerSettings, toCopyable } from "../handler-settings.ts";
import type { Cue } from "../perform.ts";
import { threadLimits } from "../thread-limits.ts";
import {
  type FromThread,
  type RefusedError,
  STRAYS,
  type StrayError,
  type ThreadAttempt,
  type ThreadData,
  type ToThread,
} from "./messages.ts";

/** A thread that has nothing to do is kept for so long. */
const IDLE_MS = 60_000;

const THREAD = fileURLToPath(new URL("./thread.ts", import.meta.url));

export interface ThreadOptions {
  /** Address of the module that exports `taskTypes(settings)`. */
  readonly module: string;
  readonly settings: Settings;
  readonly log: Log;
}

/** The threads that isolated handlers run in: started when needed, used again, ended by force when they must be. */
export class HandlerThreads implements AsyncDisposable {
  readonly #pool: Piscina;
  readonly #heapMb: number;
  readonly #strays = new BroadcastChannel(STRAYS);
  /** Attempts that no thread has begun yet. */
  readonly #waiting = new Set<AbortController>();

  constructor({ module, settings, log }: ThreadOptions) {
    this.#heapMb = settings.isolatedHeapMb;
    this.#strays.onmessage = ({ data: stray }: { data: StrayError }) =>
      log.warn(stray, "an error of a handler that nobody awaits");
    this.#strays.unref();
    const data: ThreadData = { module, settings: toCopyable(handlerSettings(settings)) };
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
    // What an attempt left behind broke its thread after its end; or a thread broke before it was ready, and then the
    // pool would let whoever waits for it wait.
    this.#pool.on("error", (err) => {
      log.warn({ err }, "a handler thread broke that had no attempt");
      for (const attempt of this.#waiting) attempt.abort(err);
    });
  }

  /** Runs the handler in a thread. Undefined: it did not end in time, and its thread was ended. */
  async run(cue: Cue): Promise<HandlerEnd | undefined> {
    const { context, stops } = cue;
    const { port1: ours, port2: theirs } = new MessageChannel();
    const heard = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const waiting = new AbortController();
    this.#waiting.add(waiting);
    const hear = (said: FromThread) => {
      if (said.kind === "begins") this.#waiting.delete(waiting);
      else if (said.kind === "note") take(said.facet, cue.notes, heard);
      else save(said, cue.context, ours);
    };
    ours.on("message", hear);
    using _ = onAbort(stops.signal, () => tellStop(ours, stops.signal.reason));
    const attempt: ThreadAttempt = {
      typeName: cue.type.input.typeName,
      input: cue.input,
      taskId: context.taskId,
      number: context.number,
      id: context.id,
      idempotencyKey: context.idempotencyKey,
      deadline: context.deadline,
      checkpoint: context.checkpoint,
      heard,
      port: theirs,
    };
    const signal = AbortSignal.any([stops.end, waiting.signal]);
    const options = { filename: THREAD, name: "attempt", signal };
    try {
      return await this.#pool.run(attempt, { ...options, transferList: [theirs] });
    } catch (error) {
      if (stops.end.aborted) return undefined;
      return this.#died(waiting.signal.aborted ? waiting.signal.reason : error);
    } finally {
      this.#waiting.delete(waiting);
      // Where no thread could be started, the pool would keep the attempt, and run it when there is one again.
      waiting.abort();
      // Its last words may still be under way when it is known to have ended.
      for (let last = receiveMessageOnPort(ours); last; last = receiveMessageOnPort(ours)) {
        hear(last.message);
      }
      ours.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#strays.close();
    await this.#pool.destroy();
  }

  /** A thread answers with how its handler ended; it does not throw but when it ends itself. */
  #died(error: unknown): HandlerEnd {
    if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
      const message = `the handler's thread ran out of its ${this.#heapMb} MB of heap`;
      return { kind: "retry", code: "OUT_OF_MEMORY", message };
    }
    const why = error instanceof Error ? error.message : String(error);
    return { kind: "retry", code: "THREAD_DIED", message: `the handler's thread died: ${why}` };
  }
}

type Save = Extract<FromThread, { kind: "save checkpoint" }>;

function tellStop(port: MessagePort, { why, message }: Extract<ToThread, { kind: "stop" }>): void {
  port.postMessage({ kind: "stop", why, message } satisfies ToThread);
}

function take(facet: TaskEvent["facet"], notes: Cue["notes"], heard: Int32Array): void {
  notes.relay(facet);
  Atomics.add(heard, 0, 1);
  Atomics.notify(heard, 0);
}

function save({ id, state }: Save, { saveCheckpoint }: Context, port: MessagePort): void {
  const answer = (message: ToThread) => port.postMessage(message);
  saveCheckpoint(state).then(
    () => answer({ kind: "checkpoint saved", id }),
    (error) => answer({ kind: "checkpoint refused", id, error: told(error) }),
  );
}

function told(error: unknown): RefusedError {
  const message = error instanceof Error ? error.message : String(error);
  return { message, code: error instanceof PermanentError ? error.code : undefined };
}
