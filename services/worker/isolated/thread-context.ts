import { setImmediate } from "node:timers/promises";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { AttemptStopped, type HandlerEnd } from "#lib/task/outcome.ts";
import { AttemptNotes } from "../attempt-notes.ts";
import { checkpointOf } from "../checkpoint-of.ts";
import type { Context } from "../handle.ts";
import { quiet } from "../quiet.ts";
import type { LeftTimers } from "./left-timers.ts";
import type {
  FromThread,
  HandlerCall,
  RefusedError,
  ThreadAttempt,
  WhileItRuns,
} from "./messages.ts";

/** Notes that may be under way to the worker. */
const MAX_UNHEARD = 256;

/** What a handler in a thread is given: everything goes through the attempt's port. */
export class ThreadContext implements Disposable {
  readonly #port: MessagePort;
  readonly #stop = new AbortController();
  readonly #notes: AttemptNotes;
  readonly #saving = new Map<number, PromiseWithResolvers<void>>();
  readonly #heard: ThreadAttempt["heard"];
  readonly attempt: Context;
  #told = 0;
  #saves = 0;

  constructor({ port, heard }: Pick<ThreadAttempt, "port" | "heard">, call: HandlerCall) {
    const { taskId, number, id, idempotencyKey, deadline, checkpoint } = call;
    this.#port = port;
    this.#heard = heard;
    const notes = new AttemptNotes(number, (facet, steps) => {
      for (const value of steps) this.#note({ case: "progress", value });
      this.#note(facet);
      return undefined;
    });
    this.#notes = notes;
    this.attempt = {
      ...{ taskId, number, id, idempotencyKey, deadline, checkpoint },
      signal: this.#stop.signal,
      report: (progress) => this.#say(() => notes.report(progress)),
      emit: (piece) => this.#say(() => notes.emit(piece)),
      log: (level, message) => this.#say(() => notes.log(level, message)),
      saveCheckpoint: (state) => quiet(this.#save(number, state)),
    };
    port.on("message", (message) => this.#hear(message));
  }

  [Symbol.dispose](): void {
    this.#endNotes();
    this.#port.close();
  }

  /**
   * Tells how the handler ended. Returns when the thread can be used again: never, if the handler has left timers in it,
   * for the pool would give it to the next attempt at once.
   */
  async leave(end: HandlerEnd, left: LeftTimers): Promise<void> {
    this.#endNotes();
    // At once, for a timer may end the thread.
    this.#tell({ kind: "ended", end });
    if (!left.areThere) return;
    // What is just ending may do so.
    await setImmediate();
    if (!left.areThere) return;
    this.#tell({ kind: "left unclean" });
    await new Promise(() => {});
  }

  /** One that says more than its worker can hear waits here: it would else keep it from everything else. */
  #note(facet: TaskEvent["facet"]): void {
    for (let heard = this.#countHeard(); this.#unheard(heard) >= MAX_UNHEARD; ) {
      Atomics.wait(this.#heard, 0, heard);
      heard = this.#countHeard();
    }
    this.#told += 1;
    this.#tell({ kind: "note", facet });
  }

  /** Nothing that is said from here on is heard. */
  #endNotes(): void {
    this.#notes.flush();
    this.#notes[Symbol.dispose]();
  }

  #countHeard(): number {
    return Atomics.load(this.#heard, 0);
  }

  #unheard(heard: number): number {
    // The shared count is one of 32 bits, and starts anew when it is full.
    return (this.#told - heard) | 0;
  }

  #tell(message: FromThread): void {
    this.#port.postMessage(message);
  }

  /** No message comes in by itself while a handler keeps its thread busy; one that speaks hears of its stop all the same. */
  #say(words: () => void): void {
    words();
    const heard = receiveMessageOnPort(this.#port);
    if (heard) this.#hear(heard.message);
  }

  #hear(message: WhileItRuns): void {
    switch (message.kind) {
      case "stop":
        this.#stop.abort(new AttemptStopped(message.why, message.message));
        return;
      case "checkpoint saved":
        this.#saving.get(message.id)?.resolve();
        this.#saving.delete(message.id);
        return;
      case "checkpoint refused":
        this.#saving.get(message.id)?.reject(errorOf(message.error));
        this.#saving.delete(message.id);
    }
  }

  async #save(number: number, given: JsonValue): Promise<void> {
    // Here, for not everything that is no JSON can be sent, either.
    const { state } = checkpointOf(number, given);
    const id = ++this.#saves;
    const answer = Promise.withResolvers<void>();
    this.#saving.set(id, answer);
    // What was said before it is stored before it.
    this.#notes.flush();
    this.#tell({ kind: "save checkpoint", id, state: state ? toJson(ValueSchema, state) : null });
    return answer.promise;
  }
}

function errorOf({ message, code }: RefusedError): Error {
  return code === undefined ? new Error(message) : new PermanentError(message, { code });
}
