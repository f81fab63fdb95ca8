import { create, equals } from "@bufbuild/protobuf";
import { type Task, type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence, Standing } from "#lib/broker/task-log.ts";
import { QueueFull, TaskIdTaken } from "#lib/task/errors.ts";
import { queueTask, refuseTask } from "#lib/task/next-state.ts";

export interface Submitted {
  readonly task: Task;
  /** True when an earlier submit had brought it. */
  readonly deduplicated: boolean;
}

/**
 * Accepts a task: its spec first, its place in the queue second. A crash between the two has promised nothing; the
 * caller repeats with the same id. A task that does not fit into its queue is taken back before that is answered: what
 * was refused never runs.
 */
export async function submit(broker: Broker, taskId: string, spec: TaskSpec): Promise<Submitted> {
  for (;;) {
    const begun = await broker.log.begin(taskId, spec);
    const submitted = begun
      ? await enqueueNew(broker, begun, spec)
      : await findFirst(broker, taskId, spec);
    if (submitted) return submitted;
  }
}

function neverStarted({ taskId, specSequence }: Fence, spec: TaskSpec): WaitingTask {
  return create(WaitingTaskSchema, { taskId, spec, specSequence: BigInt(specSequence) });
}

async function enqueueNew(
  broker: Broker,
  begun: Fence,
  spec: TaskSpec,
): Promise<Submitted | undefined> {
  const [task] = await Promise.all([
    broker.log.justBegun(begun),
    enqueueOrTakeBack(broker, begun, spec),
  ]);
  return task && { task, deduplicated: false };
}

/** Says whether the task was added. One that a repeat of the same submit has accepted meanwhile is not taken back. */
async function enqueueOrTakeBack(broker: Broker, begun: Fence, spec: TaskSpec): Promise<boolean> {
  try {
    return await broker.queues.enqueue(neverStarted(begun, spec));
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
    const refused = await broker.log.append(begun, refuseTask(spec.queue));
    if (refused.kind === "conflict") return false;
    await broker.log.forget(begun.taskId, refused.sequence);
    throw error;
  }
}

/** The first submit's task; undefined when there is none any more, so that this submit is the first one. */
async function findFirst(
  broker: Broker,
  taskId: string,
  spec: TaskSpec,
): Promise<Submitted | undefined> {
  const standing = await broker.log.read(taskId);
  if (!standing) {
    const gone = await broker.log.markOfGone(taskId);
    if (gone !== undefined) await broker.log.forget(taskId, gone);
    return undefined;
  }
  const { spec: first } = standing.task;
  if (!first || !equals(TaskSpecSchema, first, spec)) throw new TaskIdTaken(taskId);
  if (standing.last) return { task: standing.task, deduplicated: true };
  return makeSure(broker, standing, spec);
}

/**
 * The first submit may have died between spec and queue, or be about to take its task back. So this one enqueues it too,
 * and writes QUEUED down, which excludes the first one's refusal: both expect to find nothing but the spec.
 */
async function makeSure(
  broker: Broker,
  { task, fence }: Standing,
  spec: TaskSpec,
): Promise<Submitted | undefined> {
  const added = await enqueueOrTakeBack(broker, fence, spec);
  const appended = await broker.log.append(fence, queueTask(undefined));
  if (appended.kind === "stored") {
    return { task: { ...task, sequence: BigInt(appended.sequence) }, deduplicated: true };
  }
  const now = await broker.log.read(task.id);
  if (now) return { task: now.task, deduplicated: true };
  if (added) await broker.queues.remove(neverStarted(fence, spec));
  return undefined;
}
