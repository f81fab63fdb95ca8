import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { cut } from "#lib/process/cut.ts";
import { RequestError, type RequestErrorReason, TaskTypeUnknown } from "#lib/task/errors.ts";
import { hooked } from "./call-stream.ts";
import { codeName } from "./code-name.ts";
import { errorInfo, MAX_MESSAGE_BYTES, requestErrorDetails } from "./error-details.ts";

const CODES: Readonly<Record<RequestErrorReason, Code>> = {
  TASK_NOT_FOUND: Code.NotFound,
  TASK_FINISHED: Code.FailedPrecondition,
  TASK_NOT_FINISHED: Code.FailedPrecondition,
  TASK_TOO_OLD: Code.FailedPrecondition,
  TASK_ID_TAKEN: Code.AlreadyExists,
  TASK_UNREADABLE: Code.DataLoss,
  TASK_TYPE_UNKNOWN: Code.FailedPrecondition,
  GATEWAY_STARTING: Code.Unavailable,
  QUEUE_UNKNOWN: Code.NotFound,
  QUEUE_FULL: Code.ResourceExhausted,
  COUNT_NOT_CONFIRMED: Code.FailedPrecondition,
  HISTORY_FULL: Code.ResourceExhausted,
  OUTCOME_UNKNOWN: Code.Unavailable,
  BROKER_UNAVAILABLE: Code.Unavailable,
  INVALID_FIELD: Code.InvalidArgument,
  WATCHER_TOO_SLOW: Code.ResourceExhausted,
  SEQUENCE_UNKNOWN: Code.OutOfRange,
  TOO_MANY_TASKS: Code.ResourceExhausted,
};

/** How connect-node begins what it says of bytes that are no message. It takes that for a fault of the server. */
const MALFORMED = "parse binary: ";

/** What protobuf-es complains of, and what its callers are to do about it. */
const PLAIN_REASONS: readonly (readonly [RegExp, string])[] = [
  [/^Invalid count value: -\d+$/, "a duration has more than 9 digits behind its point"],
  [
    /^(cannot decode message google\.protobuf\.Duration from JSON: .*)$/s,
    '$1; it is a number of seconds and an "s", such as "90s" or "0.5s"',
  ],
  [
    /^(cannot decode enum \S+\.(\w+) from JSON: ".*")$/s,
    "$1; a value of $2 is said by its whole name, as the .proto file has it",
  ],
];
const NO_SUCH_TYPE =
  /^cannot decode message google\.protobuf\.Any from JSON: (?:.*\/)?(.*) is not in the type registry$/s;

/**
 * The one place where an error becomes a gRPC code. A RequestError is told in full; an error that nobody foresaw is hidden
 * from the caller and kept as the cause, for the access log.
 */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    return withErrorInfo(shortened(explained(error)));
  }
  if (error instanceof RequestError) return fromRequestError(error);
  if (isAbort(error)) return withErrorInfo(new ConnectError("the call was aborted", Code.Canceled));
  const hidden = new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  return withErrorInfo(hidden);
}

export function translateErrors(): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: hooked(response.message, { mapError: toConnectError }) };
    } catch (error) {
      throw toConnectError(error);
    }
  };
}

function fromRequestError(error: RequestError): ConnectError {
  const message = cut(error.message, MAX_MESSAGE_BYTES);
  const code = CODES[error.reason];
  return new ConnectError(message, code, undefined, requestErrorDetails(error), error);
}

function shortened(error: ConnectError): ConnectError {
  const message = cut(error.rawMessage, MAX_MESSAGE_BYTES);
  if (message === error.rawMessage) return error;
  const short = new ConnectError(message, error.code, error.metadata, undefined, error.cause);
  short.details = error.details;
  return short;
}

function withErrorInfo(error: ConnectError): ConnectError {
  if (error.findDetails(ErrorInfoSchema).length > 0) return error;
  error.details.push(errorInfo(codeName(error.code)));
  return error;
}

/** Some library stopped because of a signal that was not the caller's. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** Of a request that can't be read, libraries say less than its caller needs, or blame the server. */
function explained(error: ConnectError): ConnectError {
  const { code, rawMessage } = error;
  if (code === Code.Internal && rawMessage.startsWith(MALFORMED)) return unreadable(rawMessage);
  const [, typeName] = NO_SUCH_TYPE.exec(rawMessage) ?? [];
  if (typeName !== undefined) return fromRequestError(new TaskTypeUnknown(typeName));
  const plain = plainReason(rawMessage);
  return plain === rawMessage ? error : new ConnectError(plain, code);
}

/** What a library complained of, in words that say what to change. */
export function plainReason(reason: string): string {
  return PLAIN_REASONS.reduce((said, [words, plain]) => said.replace(words, plain), reason);
}

/** The error of a request whose bytes are no message. */
export function unreadable(reason?: string): ConnectError {
  const why = reason === undefined ? "" : `: ${reason.replace(MALFORMED, "")}`;
  return new ConnectError(`the request can't be read${why}`, Code.InvalidArgument);
}
