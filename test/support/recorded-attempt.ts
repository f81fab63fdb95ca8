import type { JsonValue } from "@bufbuild/protobuf";
import type { Attempt, LogLevel, ProgressReport } from "#lib/task/task-type.ts";

/** Called at once when a handler says something, so that a test can act on the fact. */
export interface AttemptListeners {
  onReport?(progress: ProgressReport): void;
  onEmit?(piece: string): void;
}

/** An attempt outside any worker, that keeps what its handler says. */
export class RecordedAttempt<Input> implements Attempt<Input> {
  readonly taskId = "recorded";
  readonly number = 1;
  readonly id = "recorded/1/1";
  readonly idempotencyKey = "recorded/1";
  readonly input: Input;
  readonly signal: AbortSignal;
  readonly deadline = new Date(Date.now() + 60_000);
  readonly checkpoint = undefined;
  readonly reports: ProgressReport[] = [];
  readonly pieces: string[] = [];
  /** "info: fetched it" */
  readonly lines: string[] = [];
  readonly checkpoints: JsonValue[] = [];
  readonly #stop = new AbortController();
  readonly #listeners: AttemptListeners;

  constructor(input: Input, listeners: AttemptListeners = {}) {
    this.input = input;
    this.signal = this.#stop.signal;
    this.#listeners = listeners;
  }

  get emitted(): string {
    return this.pieces.join("");
  }

  cancel(reason: Error): void {
    this.#stop.abort(reason);
  }

  report(progress: ProgressReport): void {
    this.reports.push(progress);
    this.#listeners.onReport?.(progress);
  }

  emit(piece: string | Uint8Array): void {
    const text = typeof piece === "string" ? piece : Buffer.from(piece).toString();
    this.pieces.push(text);
    this.#listeners.onEmit?.(text);
  }

  log(level: LogLevel, message: string): void {
    this.lines.push(`${level}: ${message}`);
  }

  async saveCheckpoint(state: JsonValue): Promise<void> {
    this.checkpoints.push(state);
  }
}
