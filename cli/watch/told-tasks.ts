import { type Task, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { WatchTaskRequest } from "#gen/millrace/v1/task_service_pb.ts";
import { isTerminal } from "#lib/task/life.ts";

/** What a watch has told of one task. */
export class ToldTask {
  state: TaskState = TaskState.UNSPECIFIED;
  /** Sequence of the last event told. */
  #after: bigint;
  /** How far the history goes that is told before anything new. */
  #head: bigint | undefined;

  constructor(after: bigint) {
    this.#after = after;
  }

  /** Whether it has ended and all of its history was told. A terminal event may be followed by a new start. */
  get isOver(): boolean {
    return this.#head !== undefined && this.#after >= this.#head && isTerminal(this.state);
  }

  /** Where to go on. */
  wanted(taskId: string): Pick<WatchTaskRequest, "taskId" | "afterSequence"> {
    return { taskId, afterSequence: this.#after };
  }

  snapshot({ state, sequence }: Task): void {
    this.state = state;
    this.#head = sequence;
  }

  /** False for an event that was told before. */
  event({ sequence, facet }: TaskEvent): boolean {
    if (sequence <= this.#after) return false;
    this.#after = sequence;
    if (facet.case === "state") this.state = facet.value.state;
    return true;
  }
}
