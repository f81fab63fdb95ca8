import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";

interface Asker {
  readonly broker: Broker;
  readonly workerId: string;
}

/**
 * Whether the task's worker lives and has it still, although it was delivered to us: after an outage of the broker; or
 * when we come upon an old delivery, after being frozen. Then it goes on there.
 *
 * Such a delivery must not be answered at all: the broker takes what is said of it for the one that counts. Put back,
 * it would go round among the workers for as long as the attempt runs. Left alone, it is kept back by the beats of the
 * worker that has it, and brings the task to another one when they end.
 */
export async function isHeldElsewhere(
  { taskId, last, stateSequence }: WaitingTask,
  { broker, workerId }: Asker,
): Promise<boolean> {
  if (last?.state !== TaskState.RUNNING || last.workerId === workerId) return false;
  const sign = await broker.workers.lastSign(last.workerId);
  if (!sign) return false;
  if (sign.runningTaskIds.includes(taskId)) return true;
  // It may have begun the attempt since it last said what it has.
  const begunAt = await broker.log.writtenAt(stateSequence);
  return begunAt !== undefined && begunAt > sign.time;
}
