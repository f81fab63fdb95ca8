import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import { AttemptNotes } from "../attempt-notes.ts";
import { checkpointOf } from "../checkpoint-of.ts";
import type { Context } from "../handle.ts";
import { quiet } from "../quiet.ts";
import type { FromThread, RefusedError, ThreadAttempt, ToThread } from "./messages.ts";

/** What a handler in a thread is given: everything goes through the attempt's port. */
export class ThreadContext implements Disposable {
  readonly #port: MessagePort;
  readonly #stop = new AbortController();
  readonly #notes: AttemptNotes;
  readonly #saving = new Map<number, PromiseWithResolvers<void>>();
  readonly attempt: Context;
  #saves = 0;

  constructor({ port, taskId, number, idempotencyKey, deadline, checkpoint }: ThreadAttempt) {
    this.#port = port;
    // Put together here, so that a handler that never pauses does not flood the worker.
    const notes = new AttemptNotes(number, (facet) => this.#tell({ kind: "note", facet }));
    this.#notes = notes;
    this.attempt = {
      ...{ taskId, number, idempotencyKey, deadline, checkpoint },
      signal: this.#stop.signal,
      report: (progress) => this.#say(() => notes.report(progress)),
      emit: (piece) => this.#say(() => notes.emit(piece)),
      log: (level, message) => this.#say(() => notes.log(level, message)),
      saveCheckpoint: (state) => quiet(this.#save(number, state)),
    };
    port.on("message", (message) => this.#hear(message));
  }

  [Symbol.dispose](): void {
    this.#notes.flush();
    this.#notes[Symbol.dispose]();
    this.#port.close();
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

  #hear(message: ToThread): void {
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
