import { create } from "@bufbuild/protobuf";
import type { Task, TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { TaskIdTaken } from "#lib/task/errors.ts";
import { isTimed } from "#lib/task/times.ts";
import { asksForSame } from "./asks-for-same.ts";
import { makeSure, orTakeBack, type Submitted } from "./make-sure.ts";
import { placeAnew } from "./place.ts";

/** What a caller asks for: as it came, and with its blanks filled in, which is what is accepted. */
interface Asked {
  readonly asked: TaskSpec;
  readonly spec: TaskSpec;
}

/**
 * Accepts a task: its spec first, its place second. A crash between the two has promised nothing; the caller repeats
 * with the same id, and the janitor places what nobody repeats. A task that does not fit into its queue is taken back before that is answered: what
 * was refused never runs.
 */
export async function submit(
  broker: Broker,
  taskId: string,
  { asked, spec }: Asked,
): Promise<Submitted> {
  for (;;) {
    const begun = await broker.log.begin(taskId, spec);
    const submitted = begun
      ? await acceptNew(broker, begun, spec)
      : await findFirst(broker, taskId, asked);
    if (submitted) return submitted;
  }
}

async function acceptNew(
  broker: Broker,
  begun: Fence,
  spec: TaskSpec,
): Promise<Submitted | undefined> {
  const accepted = isTimed(spec)
    ? await acceptTimed(broker, begun)
    : await acceptForNow(broker, begun, spec);
  return accepted && { task: accepted, deduplicated: false };
}

/** Nothing of its entry depends on when it was accepted, so that need not be known before it is placed. */
async function acceptForNow(
  broker: Broker,
  begun: Fence,
  spec: TaskSpec,
): Promise<Task | undefined> {
  const { taskId, specSequence } = begun;
  const waiting = create(WaitingTaskSchema, { taskId, spec, specSequence: BigInt(specSequence) });
  const [task] = await Promise.all([
    broker.log.justBegun(begun),
    orTakeBack(broker, waiting, () => placeAnew(broker, waiting)),
  ]);
  return task;
}

/** Its times count from when the log took it. */
async function acceptTimed(broker: Broker, begun: Fence): Promise<Task | undefined> {
  const task = await broker.log.justBegun(begun);
  if (!task) return undefined;
  const waiting = waitingOf({ task, last: undefined, fence: begun });
  await orTakeBack(broker, waiting, () => placeAnew(broker, waiting));
  return task;
}

/** The first submit's task; undefined when there is none any more, so that this submit is the first one. */
async function findFirst(
  broker: Broker,
  taskId: string,
  asked: TaskSpec,
): Promise<Submitted | undefined> {
  const standing = await broker.log.read(taskId);
  if (!standing) {
    const gone = await broker.log.markOfGone(taskId);
    if (gone !== undefined) await broker.log.forget(taskId, gone);
    return undefined;
  }
  const { spec: first } = standing.task;
  if (!first || !asksForSame(asked, first)) throw new TaskIdTaken(taskId);
  if (standing.last) return { task: standing.task, deduplicated: true };
  return makeSure(broker, standing);
}
