import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";

const AGAIN_MS = 100;

/** What a caller is told who does something wrong, and would be told again. */
const CALLERS_FAULT: ReadonlySet<unknown> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
]);

/** Asks until there is an answer, or an error that will not pass. */
export async function askPatiently<Answer>(
  ask: () => Promise<Answer>,
  onAgain: () => void,
): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (CALLERS_FAULT.has((error as { readonly code?: unknown }).code)) throw error;
    }
    onAgain();
    await delay(AGAIN_MS);
  }
}
