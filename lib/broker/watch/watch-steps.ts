import type { Task, TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { Semaphore } from "#lib/async/semaphore.ts";
import { SequenceUnknown, TaskNotFound } from "#lib/task/errors.ts";
import { isDeletion, isTerminal, isTerminalEvent } from "#lib/task/life.ts";
import type { LogScan } from "../log/log-scan.ts";
import type { Standing, TaskLog } from "../log/task-log.ts";
import type { Watcher } from "./watcher.ts";

/** What a watch brings: first the task as it stands, then events. */
export type WatchStep = { case: "snapshot"; value: Task } | { case: "event"; value: TaskEvent };

/** What somebody wants to watch. */
export interface Wanted {
  readonly taskId: string;
  /** Sequence of the last event that they have. */
  readonly afterSequence: bigint;
  /** Sequence of its spec. Undefined: whichever task has the id. */
  readonly specSequence?: bigint;
}

/** Where a watch reads. */
export interface Logs {
  readonly log: TaskLog;
  readonly scan: LogScan;
  /** Lets no more watches ask at once how their tasks stand than the broker answers in time. */
  readonly asking: Semaphore;
}

/**
 * The task as it stands, then its history after the sequence, up to the head that the leader has told. Joins without gap
 * or duplicate if the watcher was registered before: what has happened since then waits there, less what was told here. Of
 * a task that leaves the log before all was read, that is said.
 * Returns whether the task has ended. A terminal event in the middle does not end the history: the task was started
 * again.
 */
export async function* join(
  { log, scan, asking }: Logs,
  wanted: Wanted,
  watcher: Watcher,
): AsyncGenerator<WatchStep, boolean> {
  const { taskId, afterSequence } = wanted;
  using turn = await asking.take();
  if (watcher.left) return true;
  const { task, fence } = await standingOf(log, wanted);
  turn[Symbol.dispose]();
  const began = BigInt(fence.specSequence);
  watcher.isOf(began, BigInt(fence.stateSequence));
  // What is later than all that was written of the task may have been written of others.
  if (afterSequence > task.sequence) await refuseUnknown(scan, afterSequence);
  yield { case: "snapshot", value: task };
  // What is older than its spec is of a task that had the id before.
  const after = afterSequence >= began ? afterSequence : began - 1n;
  const span = { taskId, after, head: task.sequence };
  const ended = (yield* tellHistory(log, span, watcher)) ?? isTerminal(task.state);
  // Only what has ended can leave. Then its spec goes first: as long as that is there, nothing was missing.
  const mayMiss = after < task.sequence && (ended || watcher.hasEnd) && !watcher.left;
  if (mayMiss && !(await log.has(fence))) throw new TaskNotFound(taskId);
  return watcher.left || ended;
}

async function standingOf(log: TaskLog, { taskId, specSequence }: Wanted): Promise<Standing> {
  const standing = await log.read(taskId);
  const isOther =
    specSequence !== undefined && specSequence !== BigInt(standing?.fence.specSequence ?? 0);
  if (!standing || isOther) throw new TaskNotFound(taskId);
  return standing;
}

interface HistorySpan {
  readonly taskId: string;
  readonly after: bigint;
  readonly head: bigint;
}

/** Returns whether the last state change that was told is an end; undefined: none was told. */
async function* tellHistory(
  log: TaskLog,
  { taskId, after, head }: HistorySpan,
  watcher: Watcher,
): AsyncGenerator<WatchStep, boolean | undefined> {
  let ended: boolean | undefined;
  watcher.skipTo(after);
  for await (const event of log.history(taskId, after, head)) {
    if (watcher.left) return ended;
    if (isDeletion(event)) throw new TaskNotFound(taskId);
    watcher.skipTo(event.sequence);
    if (event.facet.case === "state") ended = isTerminalEvent(event);
    yield { case: "event", value: event };
  }
  return ended;
}

/** Nothing can have been seen yet that is later than all. */
async function refuseUnknown(scan: LogScan, sequence: bigint): Promise<void> {
  const newest = await scan.head();
  if (sequence > newest) throw new SequenceUnknown(sequence, newest);
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * What the watcher gets, up to the next terminal event. Written out, for every event passes here, and an async generator
 * takes it through several promises more.
 */
export class Following implements AsyncIterableIterator<WatchStep, undefined> {
  readonly #watcher: Watcher;
  readonly #onEnd: () => void;
  #first: WatchStep | undefined;
  #isOver = false;

  /** @param onEnd Called when there is nothing more to come, or the reader leaves; perhaps more than once. */
  constructor(watcher: Watcher, first?: WatchStep, onEnd: () => void = () => {}) {
    this.#watcher = watcher;
    this.#first = first;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<WatchStep, undefined>> {
    const first = this.#first;
    this.#first = undefined;
    if (first) return { value: first };
    const event = this.#isOver ? undefined : await this.#nextEvent();
    if (!event || isTerminalEvent(event)) this.#end();
    return event ? { value: { case: "event", value: event } } : DONE;
  }

  return(): Promise<IteratorResult<WatchStep, undefined>> {
    this.#first = undefined;
    this.#end();
    return Promise.resolve(DONE);
  }

  async #nextEvent(): Promise<TaskEvent | undefined> {
    try {
      return await this.#watcher.next();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#onEnd();
  }
}
