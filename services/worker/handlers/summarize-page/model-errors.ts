import { APIError } from "openai";
import type { Secret } from "#lib/process/secret.ts";
import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";
import type { ModelAccess } from "./model.ts";

/** Statuses below 500 that say "later", not "never". */
const LATER = new Set([408, 409, 425, 429]);

/** What to look at when the model refuses. */
const CHECK: ReadonlyMap<number, string> = new Map([
  [400, "check that MILLRACE_SUMMARY_MODEL is a chat model"],
  [401, "check OPENAI_API_KEY"],
  [403, "check that OPENAI_API_KEY may use the model in MILLRACE_SUMMARY_MODEL"],
  [404, "check MILLRACE_SUMMARY_MODEL and OPENAI_BASE_URL"],
]);

/**
 * Translates whatever asking the model threw. Without a cause on purpose: what an API answers may quote the key, and
 * causes end up in logs.
 */
export function modelError(error: unknown, access: ModelAccess): Error {
  const status = error instanceof APIError ? error.status : undefined;
  const reason = withoutKey(reasonOf(error), access.apiKey);
  if (status === undefined || status >= 500 || LATER.has(status)) {
    const message = `the model ${access.model} is not available: ${reason}`;
    return new TransientError(message, { code: "MODEL_UNAVAILABLE" });
  }
  const check = CHECK.get(status) ?? "check MILLRACE_SUMMARY_MODEL and OPENAI_BASE_URL";
  // About a key that is wrong, an API may quote half of it.
  const why = status === 401 || status === 403 ? `status ${status}` : reason;
  return new PermanentError(`the model ${access.model} refused (${why}); ${check}`, {
    code: "MODEL_REFUSED",
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}

function withoutKey(text: string, key: Secret): string {
  return text.replaceAll(key.reveal(), "[key]");
}
