import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Standing, TaskLog } from "../log/task-log.ts";
import { fenceOf, isOfLaterLife, waitingOf } from "./waiting.ts";

/**
 * The entry of a restart is there before the log has it, and its gateway may die in between. If this entry is of such a
 * restart of the ended task, writes it down. True if the log is to be read again: then it is written, by us or by
 * somebody else.
 */
export async function completeRestart(
  log: TaskLog,
  entry: WaitingTask,
  standing: Standing,
): Promise<boolean> {
  const ended = waitingOf(standing);
  if (!entry.last || !isOfLaterLife(entry, ended)) return false;
  // One that was written down long ago must not be written again by what it has become since.
  const isBegun =
    entry.specSequence === ended.specSequence && entry.stateSequence === ended.stateSequence;
  if (!isBegun) return !(await log.isNewest(standing.fence));
  await log.append(fenceOf(entry), entry.last);
  return true;
}
