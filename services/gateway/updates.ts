import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Task, TaskEvent, WaitingReason } from "#gen/millrace/v1/task_pb.ts";
import { type TaskUpdate, TaskUpdateSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { ExpectedTask } from "#lib/broker/watch/expected-task.ts";
import type { WatchStep } from "#lib/broker/watch/watch-steps.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { withKeepAlive } from "#lib/rpc/keep-alive.ts";
import { apply } from "#lib/task/fold.ts";
import { KEEP_ALIVE_MS } from "#lib/task/limits.ts";
import type { WaitingReasons } from "./waiting-reasons.ts";

/** A step of a watch as its caller sees it. */
export async function updateOf(step: WatchStep, reasons: WaitingReasons): Promise<TaskUpdate> {
  if (step.case === "event") return create(TaskUpdateSchema, { kind: step });
  const value = await reasons.explain(step.value);
  return create(TaskUpdateSchema, { kind: { case: "snapshot", value } });
}

export function keepAlive(waitingReason?: WaitingReason): TaskUpdate {
  const value = { time: timestampNow(), ...(waitingReason && { waitingReason }) };
  return create(TaskUpdateSchema, { kind: { case: "keepAlive", value } });
}

export interface WatchRequest {
  readonly taskId: string;
  readonly afterSequence: bigint;
}

interface Sources {
  readonly watching: Watching;
  readonly reasons: WaitingReasons;
}

/** One message of the answer of WatchTask or RunTask. */
interface Response {
  readonly update: TaskUpdate;
}

/** A watch as its caller sees it. */
export function watchUpdates(
  { watching, reasons }: Sources,
  { taskId, afterSequence }: WatchRequest,
  signal: AbortSignal,
): AsyncIterable<Response> {
  return updatesOf(watching.watch(taskId, afterSequence, signal), reasons, signal);
}

/** The same of a task that was just submitted. */
export function updatesOfNew(
  { watching, reasons }: Sources,
  { task, expected }: { readonly task: Task; readonly expected: ExpectedTask },
  signal: AbortSignal,
): AsyncIterable<Response> {
  return updatesOf(watching.watchNew(expected, task), reasons, signal);
}

function updatesOf(
  steps: AsyncIterableIterator<WatchStep>,
  reasons: WaitingReasons,
  signal: AbortSignal,
): AsyncIterable<Response> {
  const watched = new Watched(steps, reasons);
  return withKeepAlive(watched, KEEP_ALIVE_MS, () => watched.keepAlive(), signal);
}

/** Knows the task as it stands, to say why it waits when nothing else happens. */
class Watched implements AsyncIterableIterator<Response> {
  readonly #steps: AsyncIterator<WatchStep>;
  readonly #reasons: WaitingReasons;
  #task: Task | undefined;
  /** What has become of it since. */
  #change: TaskEvent | undefined;

  constructor(steps: AsyncIterator<WatchStep>, reasons: WaitingReasons) {
    this.#steps = steps;
    this.#reasons = reasons;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Response>> {
    return this.#steps.next().then((result) => {
      if (result.done === true) return result;
      this.#take(result.value);
      return this.#told(result.value);
    });
  }

  async return(): Promise<IteratorResult<Response>> {
    await this.#steps.return?.();
    return { done: true, value: undefined };
  }

  async keepAlive(): Promise<Response> {
    // Not at every event, for most watches end before anybody asks.
    const now = this.#change ? apply(this.#task, this.#change) : this.#task;
    const task = now && (await this.#reasons.explain(now));
    return { update: keepAlive(task?.waitingReason) };
  }

  #told(step: WatchStep): IteratorResult<Response> | Promise<IteratorResult<Response>> {
    if (step.case === "event")
      return { value: { update: create(TaskUpdateSchema, { kind: step }) } };
    return updateOf(step, this.#reasons).then((update) => ({ value: { update } }));
  }

  /** Only its states matter, and each says all. The history that follows the snapshot is in it. */
  #take(step: WatchStep): void {
    if (step.case === "snapshot") this.#task = step.value;
    else if (step.value.facet.case !== "state") return;
    else if (this.#task && step.value.sequence > this.#task.sequence) this.#change = step.value;
  }
}
