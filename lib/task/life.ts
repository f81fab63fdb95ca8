import { type StateChange, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";

const { SCHEDULED, QUEUED, RUNNING, RETRYING, SUCCEEDED, FAILED, CANCELED, EXPIRED } = TaskState;

/**
 * The whole life of a task: from each state, the states it may go to. RUNNING follows RUNNING after a crash; and a task
 * that has ended without success may be started again.
 */
const NEXT: ReadonlyMap<TaskState, readonly TaskState[]> = new Map<TaskState, TaskState[]>([
  [SCHEDULED, [SCHEDULED, QUEUED, RUNNING, FAILED, CANCELED, EXPIRED]],
  [QUEUED, [QUEUED, RUNNING, FAILED, CANCELED, EXPIRED]],
  [RUNNING, [RUNNING, QUEUED, RETRYING, SUCCEEDED, FAILED, CANCELED]],
  [RETRYING, [RUNNING, FAILED, CANCELED]],
  [SUCCEEDED, []],
  [FAILED, [QUEUED, RUNNING]],
  [CANCELED, [QUEUED, RUNNING]],
  [EXPIRED, [QUEUED, RUNNING]],
]);

const TERMINAL: readonly TaskState[] = [SUCCEEDED, FAILED, CANCELED, EXPIRED];

export function mayFollow(from: TaskState, to: TaskState): boolean {
  return NEXT.get(from)?.includes(to) ?? false;
}

/** True for the states in which a task has ended. It stays there, unless somebody has it started again. */
export function isTerminal(state: TaskState): boolean {
  return TERMINAL.includes(state);
}

/** True for a task that has not come to its queue yet: if it has a start time, it waits for that. */
export function awaitsStart(last: StateChange | undefined): boolean {
  return last === undefined || last.state === SCHEDULED;
}

/** True for an event that ends a task. */
export function isTerminalEvent({ facet }: TaskEvent): boolean {
  return facet.case === "state" && isTerminal(facet.value.state);
}

/** The name that people and logs see: RUNNING, not TASK_STATE_RUNNING. */
export function stateName(state: TaskState): string {
  const found = Object.entries(TaskState).find(([, value]) => value === state);
  return found?.[0] ?? `state ${state}`;
}

/** Code of the mark that takes a submit back: its queue was full, so it was never accepted. */
export const QUEUE_FULL = "QUEUE_FULL";

/** True where a submit was taken back before it was answered: there is no such task. A handler may use the same code. */
export function isRefusal({ state, attempt, error }: StateChange): boolean {
  return state === FAILED && attempt === 0 && error?.code === QUEUE_FULL;
}

/** Whether it is the mark of a task that is being deleted, which has the state of its end and is none. */
export function isDeletion({ facet }: TaskEvent): boolean {
  return facet.case === "state" && facet.value.deleted;
}

/** True where nothing is left of a task but this mark: it was deleted, or never accepted. */
export function isGone(change: StateChange): boolean {
  return change.deleted || isRefusal(change);
}
