import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { standingOf } from "#lib/task/retention.ts";
import type { Ended } from "./remove-ended.ts";

interface Walked {
  readonly specSequence: number;
  /** Of all events but the spec. */
  readonly sequences: number[];
}

/** So many tasks that stay are remembered, in about 25 MB; of more, those that end are found by the next walk. */
const MOST = 100_000;

/** What a walk through all events has seen of tasks whose ends it has not come to. */
export class WalkedTasks {
  readonly #tasks = new Map<string, Walked>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** The task, if this event is its end. */
  see(event: TaskEvent): Ended | undefined {
    const { taskId, facet } = event;
    const sequence = Number(event.sequence);
    if (facet.case === "spec") {
      this.#tasks.delete(taskId);
      if (this.#tasks.size < this.#most)
        this.#tasks.set(taskId, { specSequence: sequence, sequences: [] });
      return undefined;
    }
    const task = this.#tasks.get(taskId);
    task?.sequences.push(sequence);
    return task && standingOf(event) !== "open" ? { ...task, end: event } : undefined;
  }

  forget(taskId: string): void {
    this.#tasks.delete(taskId);
  }

  clear(): void {
    this.#tasks.clear();
  }
}
