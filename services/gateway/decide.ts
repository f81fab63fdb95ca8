import type { StateChange } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Appended, Fence } from "#lib/broker/log/task-log.ts";
import { HistoryFull, OutcomeUnknown } from "#lib/task/errors.ts";

/** Appends the word that decides what was begun. Without room for it, the beginning stays, and may yet be completed. */
export async function decide(broker: Broker, fence: Fence, word: StateChange): Promise<Appended> {
  try {
    return await broker.log.append(fence, word);
  } catch (error) {
    throw error instanceof HistoryFull ? new OutcomeUnknown(fence.taskId, { cause: error }) : error;
  }
}
