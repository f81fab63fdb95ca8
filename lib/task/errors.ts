/** What a caller is told when a request can't be done, in the words of google.rpc.ErrorInfo. */
export type RequestErrorReason =
  | "TASK_NOT_FOUND"
  | "TASK_FINISHED"
  | "TASK_NOT_FINISHED"
  | "TASK_TOO_OLD"
  | "TASK_ID_TAKEN"
  | "TASK_UNREADABLE"
  | "TASK_TYPE_UNKNOWN"
  | "GATEWAY_STARTING"
  | "QUEUE_UNKNOWN"
  | "QUEUE_FULL"
  | "COUNT_NOT_CONFIRMED"
  | "HISTORY_FULL"
  | "OUTCOME_UNKNOWN"
  | "BROKER_UNAVAILABLE"
  | "INVALID_FIELD"
  | "WATCHER_TOO_SLOW"
  | "SEQUENCE_UNKNOWN"
  | "TOO_MANY_TASKS";

/** Names of task types that an error carries at most, for it travels in headers. */
const MAX_KNOWN_NAMES = 20;

/** Thrown by a service that can't do what it was asked; its class says what the caller can do now. */
export abstract class RequestError extends Error {
  abstract readonly reason: RequestErrorReason;
  /** Facts for programs, by names in snake_case. */
  readonly facts: Readonly<Record<string, string>> = {};
  /** When asking again may help. Not set: never, unchanged. */
  readonly retryAfterMs: number | undefined = undefined;
}

/** Look at the id: there is no such task, or its history has expired. */
export class TaskNotFound extends RequestError {
  override name = "TaskNotFound";
  readonly reason = "TASK_NOT_FOUND";
  override readonly facts;

  constructor(taskId: string) {
    super(`task ${taskId} is not, or no longer, in the log`);
    this.facts = { task_id: taskId };
  }
}

/** Take the outcome as it is: a finished task keeps it. */
export class TaskFinished extends RequestError {
  override name = "TaskFinished";
  readonly reason = "TASK_FINISHED";
  override readonly facts;

  constructor(taskId: string, stateName: string) {
    super(`task ${taskId} is finished: ${stateName}`);
    this.facts = { task_id: taskId, state: stateName };
  }
}

/** Wait for its end, or cancel it: what is asked can only be done with a task that has ended. */
export class TaskNotFinished extends RequestError {
  override name = "TaskNotFinished";
  readonly reason = "TASK_NOT_FINISHED";
  override readonly facts;

  constructor(taskId: string, stateName: string) {
    super(`task ${taskId} has not ended: ${stateName}`);
    this.facts = { task_id: taskId, state: stateName };
  }
}

/** Nothing helps: what the log has of the task is damaged. */
export class TaskUnreadable extends RequestError {
  override name = "TaskUnreadable";
  readonly reason = "TASK_UNREADABLE";
  override readonly facts;

  constructor(taskId: string) {
    super(`what the log has of task ${taskId} can't be read`);
    this.facts = { task_id: taskId };
  }
}

/** Submit it anew: the log is about to forget this one. */
export class TaskTooOld extends RequestError {
  override name = "TaskTooOld";
  readonly reason = "TASK_TOO_OLD";
  override readonly facts;

  constructor(taskId: string) {
    super(`task ${taskId} is too old to start again: its history is about to expire`);
    this.facts = { task_id: taskId };
  }
}

/** Name one of the queues that there are. */
export class QueueUnknown extends RequestError {
  override name = "QueueUnknown";
  readonly reason = "QUEUE_UNKNOWN";
  override readonly facts;

  constructor(queue: string, known: readonly string[]) {
    super(`there is no queue "${queue}"; there are: ${known.join(", ")}`);
    this.facts = { queue, known: known.slice(0, MAX_KNOWN_NAMES).join(",") };
  }
}

/** Look again, and confirm the number that there is now. */
export class CountNotConfirmed extends RequestError {
  override name = "CountNotConfirmed";
  readonly reason = "COUNT_NOT_CONFIRMED";
  override readonly facts;

  constructor(queue: string, { waiting, confirmed }: { waiting: number; confirmed: number }) {
    super(`tasks waiting in the queue ${queue}: ${waiting}; confirmed: ${confirmed}`);
    this.facts = { queue, waiting: String(waiting) };
  }
}

/** Choose another id: this one belongs to a task with another spec. */
export class TaskIdTaken extends RequestError {
  override name = "TaskIdTaken";
  readonly reason = "TASK_ID_TAKEN";
  override readonly facts;

  constructor(taskId: string) {
    super(`the id ${taskId} is taken by a task with another spec; choose another id`);
    this.facts = { task_id: taskId };
  }
}

/** Start a worker that has a handler for the type, or correct its name. */
export class TaskTypeUnknown extends RequestError {
  override name = "TaskTypeUnknown";
  readonly reason = "TASK_TYPE_UNKNOWN";
  override readonly facts;

  /** @param known The types that there are, where that is known. */
  constructor(typeName: string, known?: readonly string[]) {
    const some = known?.slice(0, MAX_KNOWN_NAMES);
    const others = some ? `; announced: ${some.join(", ") || "none"}` : "";
    super(`no worker has announced the task type ${typeName}${others}`);
    this.facts = { task_type: typeName, ...(some && { known: some.join(",") }) };
  }
}

/** Submit it again in a moment: the gateway has just started, and nothing was accepted. */
export class GatewayStarting extends RequestError {
  override name = "GatewayStarting";
  readonly reason = "GATEWAY_STARTING";
  override readonly retryAfterMs = 500;

  constructor() {
    super("the gateway has just started, and has not read the task types yet");
  }
}

/** Submit it again later: nothing was accepted. */
export class QueueFull extends RequestError {
  override name = "QueueFull";
  readonly reason = "QUEUE_FULL";
  override readonly facts;
  override readonly retryAfterMs: number;

  constructor(queue: string, retryAfterMs: number) {
    super(`the queue ${queue} is full; nothing was accepted`);
    this.facts = { queue };
    this.retryAfterMs = retryAfterMs;
  }
}

/** Submit it again later, when older tasks have expired, or have an operator give the history more room. */
export class HistoryFull extends RequestError {
  override name = "HistoryFull";
  readonly reason = "HISTORY_FULL";
  override readonly retryAfterMs = 30_000;

  constructor(options?: ErrorOptions) {
    super("the history of tasks is full; nothing was accepted", options);
  }
}

/** Ask again later, for the same task: it may happen yet, or not. */
export class OutcomeUnknown extends RequestError {
  override name = "OutcomeUnknown";
  readonly reason = "OUTCOME_UNKNOWN";
  override readonly facts;
  override readonly retryAfterMs = 30_000;

  constructor(taskId: string, options?: ErrorOptions) {
    super(
      `the history of tasks became full, and what becomes of task ${taskId} is unknown`,
      options,
    );
    this.facts = { task_id: taskId };
  }
}

/** Ask again later: the broker can't be reached. */
export class BrokerUnavailable extends RequestError {
  override name = "BrokerUnavailable";
  readonly reason = "BROKER_UNAVAILABLE";
  override readonly retryAfterMs: number;

  constructor(cause?: unknown, retryAfterMs = 1_000) {
    super("the broker is away", { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

export interface FieldFault {
  /** Path in proto notation, e.g. `spec.queue`. */
  readonly field: string;
  /** What is allowed. */
  readonly description: string;
  /** Which rule it broke, e.g. `string.max_len`. */
  readonly rule?: string;
}

/** Correct the fields. */
export class InvalidField extends RequestError {
  override name = "InvalidField";
  readonly reason = "INVALID_FIELD";
  readonly faults: readonly FieldFault[];

  constructor(field: string, description: string);
  constructor(faults: readonly FieldFault[]);
  constructor(given: string | readonly FieldFault[], description = "is not valid") {
    const faults = typeof given === "string" ? [{ field: given, description }] : given;
    super(summary(faults));
    this.faults = faults;
  }
}

/** Watch again from the sequence: the events came faster than they were read. */
export class WatcherTooSlow extends RequestError {
  override name = "WatcherTooSlow";
  readonly reason = "WATCHER_TOO_SLOW";
  override readonly facts;

  constructor(resumeAfterSequence: bigint) {
    super(`events came faster than they were read; watch again after ${resumeAfterSequence}`);
    this.facts = { resume_after_sequence: String(resumeAfterSequence) };
  }
}

/** Read from the start: the sequence is of a history that this one has replaced. */
export class SequenceUnknown extends RequestError {
  override name = "SequenceUnknown";
  readonly reason = "SEQUENCE_UNKNOWN";
  override readonly facts;

  constructor(sequence: bigint | number, newest: number) {
    super(`the history ends at ${newest}: ${sequence} is of another one; begin again at 0`);
    this.facts = { sequence: String(sequence), newest_sequence: String(newest) };
  }
}

/** Name more labels: one stream does not follow that many tasks at once. */
export class TooManyTasks extends RequestError {
  override name = "TooManyTasks";
  readonly reason = "TOO_MANY_TASKS";
  override readonly facts;

  constructor(limit: number) {
    super(`more than ${limit} tasks at once, running or not yet read; name more labels`);
    this.facts = { limit: String(limit) };
  }
}

/** The first fault, and how many more there are. */
function summary([first, ...others]: readonly FieldFault[]): string {
  if (first === undefined) return "the request is not valid";
  const text = first.field === "" ? first.description : `${first.field}: ${first.description}`;
  return others.length === 0 ? text : `${text} (and ${others.length} more)`;
}
