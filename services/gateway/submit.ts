import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Task, TaskEventSchema, type TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import { type WaitingTask, WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { fenceOf, waitingOf } from "#lib/broker/queues/waiting.ts";
import type { ExpectedTask } from "#lib/broker/watch/expected-task.ts";
import { HistoryFull, QueueFull, TaskIdTaken } from "#lib/task/errors.ts";
import { fold } from "#lib/task/fold.ts";
import { DEFAULT_QUEUE } from "#lib/task/limits.ts";
import { refuseTask } from "#lib/task/next-state.ts";
import { isTimed } from "#lib/task/times.ts";
import { acceptFound } from "./accept-found.ts";
import { asksForSame } from "./asks-for-same.ts";
import { decide } from "./decide.ts";
import { inTurns } from "./in-turns.ts";
import { placeNew } from "./place.ts";

export interface Submitted {
  readonly task: Task;
  /** True when an earlier submit had brought it. */
  readonly deduplicated: boolean;
}

/** What a caller asks for: as it came, and with its blanks filled in, which is what is accepted. */
interface Asked {
  readonly asked: TaskSpec;
  readonly spec: TaskSpec;
}

/**
 * Accepts a task: its spec first, its place second. A crash between the two has promised nothing; the caller repeats
 * with the same id, and the janitor places what nobody repeats. A task that does not fit into its queue is taken back
 * before that is answered: what was refused never runs.
 */
export async function submit(
  broker: Broker,
  taskId: string,
  { asked, spec }: Asked,
  expected?: ExpectedTask,
): Promise<Submitted> {
  return inTurns(taskId, async () => {
    const begun = await begin(broker, taskId, spec);
    return begun ? acceptNew(broker, { begun, spec, expected }) : findFirst(broker, taskId, asked);
  });
}

/** Undefined if the id has a task already, which is so also where the log has no room for new ones. */
async function begin(broker: Broker, taskId: string, spec: TaskSpec): Promise<Fence | undefined> {
  try {
    return await broker.log.begin(taskId, spec);
  } catch (error) {
    if (error instanceof HistoryFull && (await broker.log.read(taskId))) return undefined;
    throw error;
  }
}

/** A task whose spec was just written. */
interface Begun {
  readonly begun: Fence;
  readonly spec: TaskSpec;
  readonly expected: ExpectedTask | undefined;
}

async function acceptNew(broker: Broker, begun: Begun): Promise<Submitted | undefined> {
  const accepted = isTimed(begun.spec)
    ? await acceptTimed(broker, begun)
    : await acceptForNow(broker, begun);
  return accepted && { task: accepted, deduplicated: false };
}

/** The task as it was stored. It is heard of anyway; asking for it is the second most of what a submit costs. */
async function justBegun(broker: Broker, { begun, expected }: Begun): Promise<Task | undefined> {
  return (await expected?.justBegun(begun)) ?? broker.log.justBegun(begun);
}

/** Nothing of its entry depends on when it was accepted, so that need not be known before it is placed. */
async function acceptForNow(broker: Broker, given: Begun): Promise<Task | undefined> {
  const { begun, spec } = given;
  const { taskId, specSequence } = begun;
  const waiting = create(WaitingTaskSchema, { taskId, spec, specSequence: BigInt(specSequence) });
  const [task] = await Promise.all([justBegun(broker, given), placeOrRollBack(broker, waiting)]);
  return task ?? goneSince(broker, given);
}

/** A task that was accepted, and has ended and been deleted before its own gateway heard of it. */
function goneSince({ clock }: Broker, { begun, spec }: Begun): Task | undefined {
  const { taskId, specSequence } = begun;
  const event = { taskId, sequence: BigInt(specSequence), time: timestampFromMs(clock.nowMs()) };
  return fold([create(TaskEventSchema, { ...event, facet: { case: "spec", value: spec } })]);
}

/** Its times count from when the log took it. */
async function acceptTimed(broker: Broker, given: Begun): Promise<Task | undefined> {
  const { begun } = given;
  const task = await justBegun(broker, given);
  if (!task) return undefined;
  const waiting = waitingOf({ task, last: undefined, fence: begun });
  await placeOrRollBack(broker, waiting);
  return task;
}

/**
 * Places a new task. If its queue is full, rolls it back and throws QueueFull, unless a repeat of the submit has
 * accepted the task meanwhile: only what accepts a task writes anything after its spec.
 */
async function placeOrRollBack(broker: Broker, waiting: WaitingTask): Promise<void> {
  try {
    await placeNew(broker, waiting);
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
    const refusal = refuseTask(waiting.spec?.queue || DEFAULT_QUEUE);
    const refused = await decide(broker, fenceOf(waiting), refusal);
    if (refused.kind === "conflict") return;
    await broker.log.forget(waiting.taskId, refused.sequence);
    throw error;
  }
}

/**
 * The first submit's task, if its state is in the log; else it is undefined, for the log to be asked again: there may be no
 * such task any more, so that this submit is the first one. A spec alone promises nothing. Its submit may be about to take
 * it back, and after that the log may have the spec of yet another one.
 */
async function findFirst(
  broker: Broker,
  taskId: string,
  asked: TaskSpec,
): Promise<Submitted | undefined> {
  const standing = await broker.log.read(taskId);
  if (!standing) {
    await broker.log.forgetGone(taskId);
    return undefined;
  }
  const { spec: first } = standing.task;
  if (!first || !asksForSame(asked, first)) throw new TaskIdTaken(taskId);
  if (standing.last) return { task: standing.task, deduplicated: true };
  await acceptFound(broker, standing);
  return undefined;
}
