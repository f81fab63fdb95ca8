import { TaskState } from "#gen/millrace/v1/task_pb.ts";

/** Every state that a task can be in, in the order of its life. */
export const STATES: readonly TaskState[] = [
  TaskState.SCHEDULED,
  TaskState.QUEUED,
  TaskState.RUNNING,
  TaskState.RETRYING,
  TaskState.SUCCEEDED,
  TaskState.FAILED,
  TaskState.CANCELED,
  TaskState.EXPIRED,
];

/** How many tasks are in each state. */
export class StateCounts {
  readonly #counts = new Float64Array(Math.max(...STATES) + 1);

  of(state: TaskState): number {
    return this.#counts[state] ?? 0;
  }

  add(state: TaskState, tasks: number): void {
    this.#counts[state] = this.of(state) + tasks;
  }

  addAll(others: StateCounts): void {
    for (const state of STATES) this.add(state, others.of(state));
  }
}
