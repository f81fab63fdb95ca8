import { randomFillSync } from "node:crypto";
import { v5, v7 } from "uuid";

/** Namespace of the ids that are derived from request ids (RFC 9562, version 5). Never changes. */
const REQUEST_IDS = "2f1d2c58-6d0b-4f5e-9a43-0f6f5c1f8a57";

const RANDOM_BYTES = 16;

/** Random bytes for ids to come: asking the system for those of one costs more than the rest of a submit's checks. */
const pool = new Uint8Array(256 * RANDOM_BYTES);
let taken = pool.length;

function randomBytes(): Uint8Array {
  if (taken === pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  taken += RANDOM_BYTES;
  return pool.subarray(taken - RANDOM_BYTES, taken);
}

export interface SubmitKeys {
  readonly taskId: string;
  readonly requestId: string;
}

/**
 * The id of the task that a submit is about: the caller's own; or always the same one for the same request id, which
 * makes the repeat of a request find the first one's task; or a new one, ordered by time.
 */
export function taskIdOf({ taskId, requestId }: SubmitKeys): string {
  if (taskId !== "") return taskId;
  return requestId === "" ? v7({ random: randomBytes() }) : v5(requestId, REQUEST_IDS);
}
