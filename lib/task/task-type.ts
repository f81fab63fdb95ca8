import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { RetryPolicy } from "./retry.ts";

/** What a handler says of how far it is. */
export interface ProgressReport {
  /** Share done, 0 to 1. */
  readonly fraction?: number;
  /** Units done so far. */
  readonly current?: number;
  /** Units in all. */
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
  /** `taskId/number`: give it to services that must not do the same thing twice. */
  readonly idempotencyKey: string;
  readonly input: Input;
  /** Aborts on cancel, timeout, and when the worker has to leave; `reason` says which. */
  readonly signal: AbortSignal;
  /** Says how far it is. Cheap: call it as often as you like. */
  report(progress: ProgressReport): void;
  /** Hands out a piece of partial output. */
  emit(piece: string | Uint8Array): void;
  /** Writes a line to the task's log. */
  log(level: LogLevel, message: string): void;
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
  /** Limit of one attempt. Default: 5 minutes. */
  readonly attemptTimeoutMs?: number;
  // A method, so that a list may hold task types of different inputs.
  handler(attempt: Attempt<MessageShape<Input>>): Promise<MessageInitShape<Output>>;
}

/** Lets the compiler check a handler against its messages. */
export function defineTaskType<Input extends DescMessage, Output extends DescMessage>(
  definition: TaskTypeDefinition<Input, Output>,
): TaskTypeDefinition<Input, Output> {
  return definition;
}
