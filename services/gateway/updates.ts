import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Task, WaitingReason } from "#gen/millrace/v1/task_pb.ts";
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

/** A watch as its caller sees it. */
export function watchUpdates(
  { watching, reasons }: Sources,
  { taskId, afterSequence }: WatchRequest,
  signal: AbortSignal,
): AsyncIterable<TaskUpdate> {
  return updatesOf(watching.watch(taskId, afterSequence, signal), reasons, signal);
}

/** The same of a task that was just submitted. */
export function updatesOfNew(
  { watching, reasons }: Sources,
  { task, expected }: { readonly task: Task; readonly expected: ExpectedTask },
  signal: AbortSignal,
): AsyncIterable<TaskUpdate> {
  return updatesOf(watching.watchNew(expected, task, signal), reasons, signal);
}

function updatesOf(
  steps: AsyncIterable<WatchStep>,
  reasons: WaitingReasons,
  signal: AbortSignal,
): AsyncIterable<TaskUpdate> {
  const watched = new Watched(reasons);
  return withKeepAlive(watched.updates(steps), KEEP_ALIVE_MS, () => watched.keepAlive(), signal);
}

/** Knows the task as it stands, to say why it waits when nothing else happens. */
class Watched {
  readonly #reasons: WaitingReasons;
  #task: Task | undefined;

  constructor(reasons: WaitingReasons) {
    this.#reasons = reasons;
  }

  async *updates(steps: AsyncIterable<WatchStep>): AsyncGenerator<TaskUpdate> {
    for await (const step of steps) {
      this.#take(step);
      yield updateOf(step, this.#reasons);
    }
  }

  async keepAlive(): Promise<TaskUpdate> {
    const task = this.#task && (await this.#reasons.explain(this.#task));
    return keepAlive(task?.waitingReason);
  }

  /** Only its states matter. The history that follows the snapshot is in it. */
  #take(step: WatchStep): void {
    if (step.case === "snapshot") this.#task = step.value;
    else if (step.value.facet.case !== "state") return;
    else if (this.#task && step.value.sequence > this.#task.sequence) {
      this.#task = apply(this.#task, step.value);
    }
  }
}
