import { type WaitingReason, WaitingReason_Reason } from "#gen/millrace/v1/task_pb.ts";
import { tell } from "../terminal/output.ts";

const { NO_WORKER, QUEUE_PAUSED } = WaitingReason_Reason;

/** Tells of a task that waits until somebody does something about it. */
export function tellStuck(reason: WaitingReason | undefined): void {
  if (reason?.reason !== NO_WORKER && reason?.reason !== QUEUE_PAUSED) return;
  tell(`waits: ${reason.description}`);
}
