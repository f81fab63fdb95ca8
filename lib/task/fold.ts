import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Progress,
  type StateChange,
  type Task,
  type TaskEvent,
  TaskSchema,
  type TaskSpec,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "./life.ts";
import { epochOf } from "./state-change.ts";
import { type Times, timesOf } from "./times.ts";

/** A task as its first event, and those after it, leave it. Events must come in order; extra ones do no harm. */
export function fold(events: Iterable<TaskEvent>): Task | undefined {
  let task: Task | undefined;
  for (const event of events) task = apply(task, event);
  return task;
}

/** All that the event tells of how far the attempt is, oldest first. */
export function reportsOf({ facet, reports }: TaskEvent): readonly Progress[] {
  return facet.case === "progress" ? [...reports, facet.value] : reports;
}

/** The newest events of a task by what they tell. Those that are older than its spec are of a task that had its id before. */
export interface Newest {
  readonly spec: TaskEvent | undefined;
  readonly state: TaskEvent | undefined;
  readonly progress: TaskEvent | undefined;
}

/** A task as it stands, by as little as that takes; undefined if there is none. */
export function foldNewest({ spec, state, progress }: Newest): Task | undefined {
  if (!spec) return undefined;
  const change = state && state.sequence > spec.sequence ? state : undefined;
  // What an attempt said last may be in its outcome, and what was said before a restart is void.
  const isSaidLast = progress && !change?.reports.length && isOfRun(progress, spec, change);
  return fold([spec, change, isSaidLast ? progress : undefined].filter(isGiven));
}

function isOfRun(event: TaskEvent, spec: TaskEvent, change: TaskEvent | undefined): boolean {
  const last = change?.facet.case === "state" ? change.facet.value : undefined;
  const specSequence = Number(spec.sequence);
  return event.sequence > epochOf(last, { stateSequence: Number(change?.sequence), specSequence });
}

function isGiven(event: TaskEvent | undefined): event is TaskEvent {
  return event !== undefined;
}

/** The task after one more event; undefined as long as its spec is not known. */
export function apply(task: Task | undefined, event: TaskEvent): Task | undefined {
  const { facet, sequence } = event;
  if (facet.case === "spec") return accepted(facet.value, event);
  if (!task) return undefined;
  const before = { ...task, sequence };
  const next = facet.case === "state" ? withState(before, facet.value, event.time) : before;
  const progress = reportsOf(event).at(-1);
  return progress?.attempt === next.attempt ? { ...next, progress } : next;
}

/** The task after a state change that was just written. When that was, which is when it may have ended, only the log says. */
export function changed(task: Task, change: StateChange, sequence: bigint): Task {
  return withState({ ...task, sequence }, change);
}

/** What a spec alone says: the task waits in its queue, or for its start time. */
function accepted(spec: TaskSpec, { taskId, time, sequence }: TaskEvent): Task {
  const acceptedMs = time ? timestampMs(time) : 0;
  const times = timesOf(spec, acceptedMs);
  const { startMs } = times;
  return create(TaskSchema, {
    id: taskId,
    spec,
    state: startMs === undefined ? TaskState.QUEUED : TaskState.SCHEDULED,
    ...(time && { createTime: time }),
    ...(startMs !== undefined && { nextAttemptTime: timestampFromMs(startMs) }),
    ...limits(times),
    sequence,
  });
}

function limits({ expireMs, deadlineMs }: Times) {
  return {
    ...(expireMs !== undefined && { expireTime: timestampFromMs(expireMs) }),
    ...(deadlineMs !== undefined && { deadline: timestampFromMs(deadlineMs) }),
  };
}

/**
 * A state change says all that is true from then on; only progress is told apart from it, and only of its attempt. A restart
 * begins anew.
 */
function withState(task: Task, change: StateChange, time?: TaskEvent["time"]): Task {
  const { $typeName: _, $unknown: __, deleted: ___, epoch: ____, ...said } = change;
  const { id, spec, createTime, progress, sequence } = task;
  const keepsProgress = progress?.attempt === change.attempt && task.restarts === change.restarts;
  return create(TaskSchema, {
    id,
    sequence,
    ...(spec && { spec }),
    ...(createTime && { createTime }),
    ...limitsAfter(task, change),
    ...(keepsProgress && { progress }),
    ...said,
    ...(isTerminal(change.state) && time && { endTime: time }),
  });
}

/** A task that has started does not expire any more. */
function limitsAfter({ spec, createTime }: Task, change: StateChange) {
  if (!spec || !createTime) return {};
  const times = timesOf(spec, timestampMs(createTime), change);
  return limits(change.startTime ? { ...times, expireMs: undefined } : times);
}
