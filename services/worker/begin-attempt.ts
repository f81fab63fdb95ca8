import { randomUUID } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Checkpoint, type StateChange, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { untilAnswered } from "#lib/broker/link/request.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { fenceOf, isSameRun, timesOfWaiting, waitingOf } from "#lib/broker/queues/waiting.ts";
import { type Start, startAttempt } from "#lib/task/next-state.ts";
import { lastCheckpoint } from "./checkpoints.ts";
import type { ElbowRoom } from "./elbow-room.ts";
import { isHeldElsewhere } from "./held-elsewhere.ts";
import type { Lease } from "./lease.ts";
import type { PreparedHandler } from "./prepare-handler.ts";

export interface BeginOptions {
  readonly broker: Broker;
  readonly workerId: string;
  readonly maxCrashes: number;
  readonly room: ElbowRoom;
}

export interface Beginning extends BeginOptions {
  /** Aborts when the attempt is to stop before it has begun. */
  readonly signal: AbortSignal;
  /** Undefined when no handler can be called here now, or the signal aborts first. */
  readonly prepare: (waiting: WaitingTask) => Promise<PreparedHandler | undefined>;
}

/** An attempt that the log has as the task's newest. */
export interface Begun {
  readonly waiting: WaitingTask;
  /** Its RUNNING, as written. */
  readonly running: StateChange;
  readonly fence: Fence;
  /** To be called at once. */
  readonly handler: PreparedHandler;
  /** What an earlier attempt has saved. */
  readonly checkpoint: Checkpoint | undefined;
  /** Its place among those that run here, and its handler's; left when it is settled. */
  readonly place: Disposable;
}

/**
 * Writes the start of the next attempt down, when its handler can be called at once: should this worker die, a start
 * counts as a crash of the task. Undefined when there is nothing to run here: then the task has been let go of, or is
 * left to the worker that has it.
 */
export async function beginAttempt(
  lease: Lease,
  found: WaitingTask,
  options: Beginning,
): Promise<Begun | undefined> {
  const { clock } = options.broker;
  // What the queue brought is mostly still true, and saves a read; the append finds out. And what it brought is due, for
  // the broker has said so.
  let waiting: WaitingTask | undefined = found;
  let nowMs = Math.max(clock.nowMs(), dueMsOf(found));
  while (waiting) {
    const start = startAttempt(waiting.last, {
      ...options,
      nowMs,
      times: timesOfWaiting(waiting, nowMs),
    });
    const begun = await act(lease, waiting, start, options);
    if (begun !== "stale") return begun;
    waiting = await readWaiting(found.taskId, options.broker);
    nowMs = clock.nowMs();
    // Another run has a place of its own.
    if (waiting && !isSameRun(waiting, found)) break;
  }
  // Deleted, or refused at submit; or left of an earlier run.
  lease.done();
  return undefined;
}

function dueMsOf({ last }: WaitingTask): number {
  return last?.nextAttemptTime ? timestampMs(last.nextAttemptTime) : 0;
}

async function act(
  lease: Lease,
  waiting: WaitingTask,
  start: Start,
  options: Beginning,
): Promise<Begun | undefined | "stale"> {
  const { broker } = options;
  switch (start.kind) {
    case "over":
      lease.done();
      return undefined;
    case "wait":
      // Its worker died between writing the failure down and planning the next attempt, or the plan is still to come:
      // planning it again does no harm.
      await broker.schedule.plan(waiting, new Date(start.untilMs));
      lease.done();
      return undefined;
    case "give up": {
      if (await isHeldElsewhere(waiting, options)) return undefined;
      const appended = await broker.log.append(fenceOf(waiting), start.change);
      if (appended.kind === "conflict") return "stale";
      lease.done();
      return undefined;
    }
    case "run":
      return run(lease, waiting, start.change, options);
  }
}

async function run(
  lease: Lease,
  waiting: WaitingTask,
  running: StateChange,
  options: Beginning,
): Promise<Begun | undefined | "stale"> {
  if (await isHeldElsewhere(waiting, options)) return undefined;
  const { broker, signal, prepare } = options;
  using places = new DisposableStack();
  const hasPlace = places.use(await placeFor(running, options)) !== undefined;
  const handler = places.use(hasPlace ? await prepare(waiting) : undefined);
  if (!handler || signal.aborted) {
    lease.putBack();
    return undefined;
  }
  const fence = fenceOf(waiting);
  // The attempt that this one takes the task over from can save one more, until the append.
  const takesOver = waiting.last?.state === TaskState.RUNNING;
  const saved = takesOver ? undefined : await lastCheckpoint(broker, fence, running);
  // New each time: an attempt of ours that was lost must not be taken for this one, for both would have the same fence.
  const appendId = randomUUID();
  const appended = await untilAnswered(broker.link, () =>
    broker.log.append(fence, running, { appendId }),
  );
  if (appended.kind === "conflict") return "stale";
  const begun = { ...fence, stateSequence: appended.sequence };
  const checkpoint = takesOver ? await lastCheckpoint(broker, fence, running) : saved;
  return { waiting, running, fence: begun, handler, checkpoint, place: places.move() };
}

/** One more crash would be a task's last: should it have been another's fault each time, this time there is no other. */
async function placeFor(
  { crashes }: StateChange,
  { room, maxCrashes, signal }: Beginning,
): Promise<Disposable | undefined> {
  const isLastChance = crashes > 0 && crashes === maxCrashes - 1;
  return isLastChance ? room.enterAlone(signal) : room.enter();
}

/** The task as it would lie in its queue, from the log; undefined if there is no such task. */
export async function readWaiting(
  taskId: string,
  broker: Broker,
): Promise<WaitingTask | undefined> {
  const standing = await broker.log.read(taskId);
  return standing && waitingOf(standing);
}
