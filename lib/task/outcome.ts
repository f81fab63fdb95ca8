import { fromJson, type JsonObject, toJsonString } from "@bufbuild/protobuf";
import { type Any, StructSchema } from "@bufbuild/protobuf/wkt";
import { boundedDelay, DEFAULT_CODE, PermanentError, TransientError } from "./handler-errors.ts";
import { isTooDeep, MAX_JSON_DEPTH } from "./json-depth.ts";
import { TASK_TIMEOUT } from "./overdue.ts";

/** What is said of an attempt that did not succeed. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly details?: JsonObject;
}

/** How an attempt ended that has the last word on its task. */
export type OwnOutcome =
  | { kind: "succeeded"; output: Any }
  | ({ kind: "failed" } & Failure)
  | ({ kind: "retry"; retryAfterMs?: number | undefined } & Failure)
  | ({ kind: "timed out" } & Failure)
  | { kind: "interrupted" };

/** How one attempt ended, and so what becomes of its task. A canceled one has nothing to say any more. */
export type Outcome = OwnOutcome | { kind: "canceled" };

/** What the handler itself says of its end: it returned, or it threw. */
export type HandlerEnd = Extract<OwnOutcome, { kind: "succeeded" | "failed" | "retry" }>;

/**
 * Why an attempt was told to stop; the reason of its signal. What a handler returns after a "soft timeout", or while its
 * worker is "leaving", still counts. It has "failed" when an error came of it that nobody awaits.
 */
export class AttemptStopped extends Error {
  override name = "AttemptStopped";
  readonly why: "canceled" | "soft timeout" | "timed out" | "task timed out" | "leaving" | "failed";

  constructor(why: AttemptStopped["why"], message: string) {
    super(message);
    this.why = why;
  }
}

/** Whether a stop changes anything for an attempt that was told to stop before. */
export function supersedes({ why }: AttemptStopped, before: AttemptStopped | undefined): boolean {
  if (!before) return true;
  if (before.why === "soft timeout") return why !== "soft timeout";
  // The task has gone on, so nothing else matters any more.
  return why === "canceled" && before.why !== "canceled";
}

/** How an attempt ended that may have been told to stop. None says that its handler did not end by itself in time. */
export function outcomeOf(end: HandlerEnd | undefined, stop: AttemptStopped | undefined): Outcome {
  if (!stop) return end ?? { kind: "interrupted" };
  const counts = stop.why === "soft timeout" || stop.why === "leaving";
  return counts && end?.kind === "succeeded" ? end : outcomeOfStop(stop, end);
}

/** Code of an attempt that took longer than it may. */
const ATTEMPT_TIMEOUT = "ATTEMPT_TIMEOUT";

function outcomeOfStop({ why, message }: AttemptStopped, end: HandlerEnd | undefined): Outcome {
  switch (why) {
    case "canceled":
      return { kind: "canceled" };
    case "leaving":
      return { kind: "interrupted" };
    case "failed":
      return outcomeOf(end, undefined);
    case "soft timeout":
    case "timed out":
      return { kind: "timed out", code: ATTEMPT_TIMEOUT, message };
    case "task timed out":
      return { kind: "failed", code: TASK_TIMEOUT, message };
  }
}

/** Longest error message that a task keeps. */
const MAX_MESSAGE_LENGTH = 4_000;
/** Longest code that a task keeps. */
const MAX_CODE_LENGTH = 128;

const UNREADABLE = "what was thrown can't be shown";

/**
 * What a handler's error means: only a PermanentError is not worth another attempt. Anything may be thrown, also what throws
 * when it is read; were this to throw then, the attempt would have no outcome, and be repeated for ever.
 */
export function endOfError(error: unknown): HandlerEnd {
  try {
    return readError(error);
  } catch {
    return { kind: "retry", code: DEFAULT_CODE, message: UNREADABLE };
  }
}

function readError(error: unknown): HandlerEnd {
  const message = messageOf(error);
  if (error instanceof PermanentError) return { kind: "failed", message, ...toldBy(error) };
  if (!(error instanceof TransientError)) return { kind: "retry", code: DEFAULT_CODE, message };
  // It may have been set after the error was made.
  const retryAfterMs = boundedDelay(error.retryAfterMs);
  const after = retryAfterMs !== undefined && { retryAfterMs };
  return { kind: "retry", message, ...toldBy(error), ...after };
}

function toldBy(error: PermanentError | TransientError): Pick<Failure, "code" | "details"> {
  const { details } = error;
  return { code: codeOf(error), ...(details !== undefined && { details: bounded(details) }) };
}

/** As they are written down, at most. */
const MAX_DETAILS_BYTES = 8 * 1024;

/** Handlers in JavaScript may give anything. */
function bounded(details: unknown): JsonObject {
  try {
    const json = toJsonString(StructSchema, fromJson(StructSchema, details as JsonObject));
    const { length } = Buffer.from(json);
    if (length > MAX_DETAILS_BYTES)
      return { omitted: `${length} bytes; ${MAX_DETAILS_BYTES} are allowed` };
    const plain: JsonObject = JSON.parse(json);
    return isTooDeep(plain) ? { omitted: `nested deeper than ${MAX_JSON_DEPTH} levels` } : plain;
  } catch {
    return { omitted: "they are no JSON object, in which is no NaN, function or loop" };
  }
}

function messageOf(error: unknown): string {
  const message: unknown = error instanceof Error ? error.message || error.name : error;
  return String(message).slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
}

/** Handlers in JavaScript may give anything as a code. */
function codeOf({ code }: { readonly code: unknown }): string {
  const text = typeof code === "string" ? code.slice(0, MAX_CODE_LENGTH).toWellFormed() : "";
  return text === "" ? DEFAULT_CODE : text;
}
