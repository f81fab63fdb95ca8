import type { DescMessage, JsonValue, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { RetryPolicy } from "./retry.ts";

/** Full name of the input's message type, which names the task type; empty if the input does not say. */
export function typeNameOf(input: { readonly typeUrl: string } | undefined): string {
  return input?.typeUrl.split("/").at(-1) ?? "";
}

/** What a handler says of how far it is. */
export interface ProgressReport {
  /** Share done, 0 to 1. Less is taken for 0 and more for 1; what is no number, such as 0/0, is left out. */
  readonly fraction?: number;
  /** Units done so far, 0 to 2^53 - 1; what is no such number is left out, and the task's log says so. */
  readonly current?: number;
  /** Units in all; like `current`. */
  readonly total?: number;
  /** What is happening, for people. */
  readonly note?: string;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** One run of a handler: what it is given, and what it may say while it works. */
export interface Attempt<Input> {
  readonly taskId: string;
  /** From 1; grows with every attempt of the task. */
  readonly number: number;
  /** Tells it apart from every other attempt, also of a task that has the same id later: `<idempotencyKey>/<number>`. */
  readonly id: string;
  /**
   * The same for all attempts of a run: give it to services that must not do the same thing twice, for an attempt whose
   * worker died is repeated. A task that is started again, or submitted anew under its id, is another run and has another
   * key: `<taskId>/<sequence of the event that began the run>`. Unique within one history; other namespaces have the same.
   */
  readonly idempotencyKey: string;
  readonly input: Input;
  /**
   * Aborts on cancel, timeout, and when the worker has to leave; `reason` is an AttemptStopped, whose `why` says which.
   * It aborts once: after a soft timeout, the hard one just ends the attempt.
   */
  readonly signal: AbortSignal;
  /** When its time is up: what is returned later does not count. The smaller one of the attempt's limit and the task's. */
  readonly deadline: Date;
  /** What an earlier attempt of the task has saved last; undefined: nothing. */
  readonly checkpoint: JsonValue | undefined;
  /** Says how far it is. Cheap: call it as often as you like. */
  report(progress: ProgressReport): void;
  /** Hands out a piece of partial output. Where the broker can't keep up, the task's log says how much was left out. */
  emit(piece: string | Uint8Array): void;
  /** Writes a line to the task's log. */
  log(level: LogLevel, message: string): void;
  /**
   * Saves a state for the next attempt, instead of the one before; it is stored when this resolves. At most 16 KiB as
   * JSON and 30 levels deep. Rejects with a PermanentError when it is larger (CHECKPOINT_TOO_LARGE), deeper
   * (CHECKPOINT_TOO_DEEP) or no JSON, such as NaN (CHECKPOINT_NOT_JSON), and with an AttemptStopped when the task has
   * gone on without this attempt, or nobody waits for its end any more. Each one stays in the task's history, so save
   * every few seconds rather than at every step.
   */
  saveCheckpoint(state: JsonValue): Promise<void>;
}

/** A kind of task. Its name is the full name of its input's message type. */
export interface TaskTypeDefinition<
  Input extends DescMessage = DescMessage,
  Output extends DescMessage = DescMessage,
> {
  readonly input: Input;
  readonly output: Output;
  /** Short name for people and command lines. */
  readonly alias: string;
  /** What it does, in one sentence. */
  readonly description: string;
  /** How failed attempts are repeated; what is not set is as in `DEFAULT_RETRY_POLICY`. */
  readonly retry?: Partial<RetryPolicy>;
  /** Limit of one attempt, 100 ms to 24 hours. Default: 5 minutes. */
  readonly attemptTimeoutMs?: number;
  /**
   * When an attempt is asked to come to an end: what it then returns still counts. At least 100 ms, and less than its
   * limit. Default: not before its limit.
   */
  readonly softTimeoutMs?: number;
  /**
   * How long a task is kept once it has ended, its result and its history: 1 ms to 366 days. Default: as long as the
   * gateway keeps the history, which is also the most.
   */
  readonly keepForMs?: number;
  /**
   * Runs its attempts in threads of their own, which are ended by force when they do not stop in time, whatever they
   * do. For code that may block or run away.
   */
  readonly isolated?: boolean;
  // A method, so that a list may hold task types of different inputs.
  handler(attempt: Attempt<MessageShape<Input>>): Promise<MessageInitShape<Output>>;
}

/** Lets the compiler check a handler against its messages. */
export function defineTaskType<Input extends DescMessage, Output extends DescMessage>(
  definition: TaskTypeDefinition<Input, Output>,
): TaskTypeDefinition<Input, Output> {
  return definition;
}
