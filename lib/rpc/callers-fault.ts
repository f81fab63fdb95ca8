import { type Code, ConnectError } from "@connectrpc/connect";

const MAX_TEXT_CHARS = 200;

/** Kept apart from the errors, for of a ConnectError "instanceof" says that it is of every class that extends it. */
const callersFaults = new WeakSet<object>();

/** A mistake of the caller, also where the protocol's code for it is one that else means a mistake of ours. */
export function callersFault(text: string, code: Code): ConnectError {
  const error = new ConnectError(text, code);
  callersFaults.add(error);
  return error;
}

export function isCallersFault(error: unknown): boolean {
  return typeof error === "object" && error !== null && callersFaults.has(error);
}

/** What a caller gave, as a text may repeat it. */
export function quoted(given: string | undefined): string {
  return JSON.stringify((given ?? "").slice(0, MAX_TEXT_CHARS).toWellFormed());
}
