import { v5, v7 } from "uuid";

/** Namespace of the ids that are derived from request ids (RFC 9562, version 5). Never changes. */
const REQUEST_IDS = "2f1d2c58-6d0b-4f5e-9a43-0f6f5c1f8a57";

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
  return requestId === "" ? v7() : v5(requestId, REQUEST_IDS);
}
