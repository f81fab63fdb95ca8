import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";

const TIMEOUTS: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: "could not be connected to in time",
  UND_ERR_HEADERS_TIMEOUT: "accepted the connection, but did not answer in time",
  UND_ERR_BODY_TIMEOUT: "stopped sending in the middle of the page",
};

/** Statuses below 500 that say "later", not "never". */
const LATER = new Set([408, 425, 429]);

/** Translates whatever fetching threw into an error that says whether another attempt may help. */
export function fetchError(error: unknown, host: string, timeoutMs: number): Error {
  if (error instanceof PermanentError || error instanceof TransientError) return error;
  if (!(error instanceof Error)) return new TransientError(`${host}: ${error}`);
  if (error.name === "TimeoutError") {
    return timedOut(`${host} did not send its page within ${timeoutMs / 1000} s`, error);
  }
  const code = codeOf(error);
  const timeout = TIMEOUTS[code];
  if (timeout !== undefined) return timedOut(`${host} ${timeout}`, error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return unresolved(error, host, code);
  return new TransientError(`could not fetch from ${host}: ${reasonOf(error, code)}`, {
    code: "CONNECT_FAILED",
    cause: error,
  });
}

/** Of a status that brings no page. */
export function statusError(status: number, host: string): Error {
  const message = `${host} answered with status ${status}; only a page with status 200 to 299 is read`;
  const permanent = status < 500 && !LATER.has(status);
  const given = { code: "HTTP_STATUS", details: { status } };
  return permanent ? new PermanentError(message, given) : new TransientError(message, given);
}

function timedOut(message: string, cause: Error): TransientError {
  return new TransientError(message, { code: "FETCH_TIMEOUT", cause });
}

function unresolved(cause: Error, host: string, code: string): Error {
  // The resolver's own trouble is EAI_AGAIN; ENOTFOUND is its answer, and nearly always a misspelled name.
  if (code === "ENOTFOUND") {
    return new PermanentError(`there is no host named ${host}`, { code: "DNS", cause });
  }
  return new TransientError(`the name ${host} could not be looked up`, { code: "DNS", cause });
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Node leaves the message of an error about several addresses empty. */
function reasonOf(error: Error, code: string): string {
  return error.message === "" ? code || error.name : error.message;
}
