export interface HandlerErrorOptions extends ErrorOptions {
  /** Machine-readable reason in UPPER_SNAKE_CASE; becomes TaskError.code. */
  readonly code?: string;
}

/** Code of an error that does not bring its own. */
export const DEFAULT_CODE = "HANDLER_ERROR";

/** Thrown by a handler when trying again cannot help. */
export class PermanentError extends Error {
  override name = "PermanentError";
  readonly code: string;

  constructor(message: string, { code = DEFAULT_CODE, ...options }: HandlerErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown by a handler when trying again may help. So does every other error, with the default code. */
export class TransientError extends Error {
  override name = "TransientError";
  readonly code: string;

  constructor(message: string, { code = DEFAULT_CODE, ...options }: HandlerErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
