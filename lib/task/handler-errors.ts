import type { JsonObject } from "@bufbuild/protobuf";

export interface HandlerErrorOptions extends ErrorOptions {
  /** Machine-readable reason in UPPER_SNAKE_CASE; becomes TaskError.code. */
  readonly code?: string;
  /**
   * What programs may want to know of it, such as the status that a service answered with; becomes TaskError.details. At
   * most 8 KiB as JSON, nested up to 30 levels deep; what is more, or no JSON, is left out, and a member `omitted` says why.
   */
  readonly details?: JsonObject;
}

/** Code of an error that does not bring its own. */
export const DEFAULT_CODE = "HANDLER_ERROR";

/** Thrown by a handler when trying again cannot help. */
export class PermanentError extends Error {
  override name = "PermanentError";
  readonly code: string;
  readonly details: JsonObject | undefined;

  constructor(message: string, given: HandlerErrorOptions = {}) {
    const { code = DEFAULT_CODE, details, ...options } = given;
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Longest delay that a handler may ask for before the next attempt. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

export interface TransientErrorOptions extends HandlerErrorOptions {
  /**
   * The delay until the next attempt, in milliseconds, instead of the retry policy's: what a service said in its
   * Retry-After, for instance. At most 24 hours; more is taken for 24 hours.
   */
  readonly retryAfterMs?: number;
}

/** Thrown by a handler when trying again may help. So does every other error, with the default code. */
export class TransientError extends Error {
  override name = "TransientError";
  readonly code: string;
  readonly details: JsonObject | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, given: TransientErrorOptions = {}) {
    const { code = DEFAULT_CODE, details, retryAfterMs, ...options } = given;
    super(message, options);
    this.code = code;
    this.details = details;
    this.retryAfterMs = boundedDelay(retryAfterMs);
  }
}

/** A delay that may be kept. What is no number says nothing, e.g. a header that could not be parsed. */
export function boundedDelay(retryAfterMs: unknown): number | undefined {
  if (typeof retryAfterMs !== "number" || Number.isNaN(retryAfterMs)) return undefined;
  return Math.round(Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfterMs)));
}
