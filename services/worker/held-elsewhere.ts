import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import { pause } from "#lib/async/pause.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { SignOfLife } from "#lib/broker/processes/worker-book.ts";

/** After an outage, a worker that lives may need so long to connect and to say so. */
const LATE_MS = 2_000;
const NEVER = new AbortController().signal;

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
  const sign = await signOf(last.workerId, broker);
  if (!sign) return false;
  if (sign.runningTaskIds.includes(taskId)) return true;
  // It may have begun the attempt since it last said what it has.
  const begunAt = await broker.log.writtenAt(stateSequence);
  return begunAt !== undefined && begunAt > sign.time;
}

/** Undefined only after it had the time to connect: the outage may have just ended, whoever of us noticed it. */
async function signOf(
  workerId: string,
  { workers, link }: Broker,
): Promise<SignOfLife | undefined> {
  const sign = await workers.lastSign(workerId);
  const waitMs = LATE_MS - link.upForMs;
  if (sign || waitMs <= 0) return sign;
  await pause(waitMs, NEVER);
  return workers.lastSign(workerId);
}
