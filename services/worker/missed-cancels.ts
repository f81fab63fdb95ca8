import type { Broker } from "#lib/broker/broker.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import type { RunningAttempts } from "./running-attempts.ts";

/** Stops the attempts that their tasks have gone on without, while nobody could tell us. */
export async function stopOvertaken(running: RunningAttempts, broker: Broker): Promise<void> {
  for (const { taskId, fence, stop } of running.all) {
    if (!fence) continue;
    const standing = await broker.log.read(taskId);
    if (standing?.fence.stateSequence === fence.stateSequence) continue;
    stop(new AttemptStopped("canceled", "the task was canceled, or went on without this attempt"));
  }
}
