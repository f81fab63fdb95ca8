import { type StateChange, type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";

const { SCHEDULED, QUEUED, RUNNING, RETRYING, SUCCEEDED, FAILED, CANCELED, EXPIRED } = TaskState;

/** The whole life of a task: from each state, the states it may go to. RUNNING follows RUNNING after a crash. */
const NEXT: ReadonlyMap<TaskState, readonly TaskState[]> = new Map<TaskState, TaskState[]>([
  [SCHEDULED, [QUEUED, RUNNING, CANCELED, EXPIRED]],
  [QUEUED, [QUEUED, RUNNING, FAILED, CANCELED, EXPIRED]],
  [RUNNING, [RUNNING, QUEUED, RETRYING, SUCCEEDED, FAILED, CANCELED]],
  [RETRYING, [RUNNING, FAILED, CANCELED]],
  [SUCCEEDED, []],
  [FAILED, []],
  [CANCELED, []],
  [EXPIRED, []],
]);

export function mayFollow(from: TaskState, to: TaskState): boolean {
  return NEXT.get(from)?.includes(to) ?? false;
}

/** True for the states that a task never leaves. */
export function isTerminal(state: TaskState): boolean {
  return NEXT.get(state)?.length === 0;
}

/** True for the last event of a task's history. */
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
