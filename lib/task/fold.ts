import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type StateChange,
  type Task,
  type TaskEvent,
  TaskSchema,
  type TaskSpec,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "./life.ts";
import { type Times, timesOf } from "./times.ts";

/** A task as its first event, and those after it, leave it. Events must come in order; extra ones do no harm. */
export function fold(events: Iterable<TaskEvent>): Task | undefined {
  let task: Task | undefined;
  for (const event of events) task = apply(task, event);
  return task;
}

/** The task after one more event; undefined as long as its spec is not known. */
export function apply(task: Task | undefined, event: TaskEvent): Task | undefined {
  const { facet, sequence } = event;
  if (facet.case === "spec") return accepted(facet.value, event);
  if (!task) return undefined;
  const next = { ...task, sequence };
  if (facet.case === "state") return withState(next, facet.value, event.time);
  if (facet.case === "progress" && facet.value.attempt === task.attempt) {
    return { ...next, progress: facet.value };
  }
  return next;
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

/** A state change says all that is true from then on; only progress is told apart from it, and only of its attempt. */
function withState(task: Task, change: StateChange, time?: TaskEvent["time"]): Task {
  const { $typeName: _, $unknown: __, deleted: ___, epoch: ____, ...said } = change;
  const { id, spec, createTime, progress, sequence } = task;
  return create(TaskSchema, {
    id,
    sequence,
    ...(spec && { spec }),
    ...(createTime && { createTime }),
    ...limitsAfter(task, change),
    ...(progress?.attempt === change.attempt && { progress }),
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
