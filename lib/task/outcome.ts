import type { Any } from "@bufbuild/protobuf/wkt";
import { DEFAULT_CODE, PermanentError, TransientError } from "./handler-errors.ts";

/** How an attempt ended that has the last word on its task. */
export type OwnOutcome =
  | { kind: "succeeded"; output: Any }
  | { kind: "failed"; code: string; message: string }
  | { kind: "retry"; code: string; message: string }
  | { kind: "timed out"; code: string; message: string }
  | { kind: "interrupted" };

/** How one attempt ended, and so what becomes of its task. A canceled one has nothing to say any more. */
export type Outcome = OwnOutcome | { kind: "canceled" };

/** Why an attempt was told to stop; the reason of its signal. */
export class AttemptStopped extends Error {
  override name = "AttemptStopped";
  readonly why: "canceled" | "timed out" | "leaving";

  constructor(why: AttemptStopped["why"], message: string) {
    super(message);
    this.why = why;
  }
}

/** Code of an attempt that took longer than it may. */
const ATTEMPT_TIMEOUT = "ATTEMPT_TIMEOUT";

/** Longest error message that a task keeps. */
const MAX_MESSAGE_LENGTH = 4_000;

export function outcomeOfStop({ why, message }: AttemptStopped): Outcome {
  switch (why) {
    case "canceled":
      return { kind: "canceled" };
    case "leaving":
      return { kind: "interrupted" };
    case "timed out":
      return { kind: "timed out", code: ATTEMPT_TIMEOUT, message };
  }
}

/** What a handler's error means: only a PermanentError is not worth another attempt. */
export function outcomeOfError(error: unknown): Outcome {
  const message = messageOf(error);
  if (error instanceof PermanentError) return { kind: "failed", code: error.code, message };
  const code = error instanceof TransientError ? error.code : DEFAULT_CODE;
  return { kind: "retry", code, message };
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.slice(0, MAX_MESSAGE_LENGTH);
}
