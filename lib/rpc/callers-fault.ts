import { type Code, ConnectError } from "@connectrpc/connect";

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
