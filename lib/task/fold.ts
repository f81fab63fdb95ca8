import { create } from "@bufbuild/protobuf";
import {
  type StateChange,
  type Task,
  type TaskEvent,
  TaskSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "./life.ts";

/** A task as its first event, and those after it, leave it. Events must come in order; extra ones do no harm. */
export function fold(events: Iterable<TaskEvent>): Task | undefined {
  let task: Task | undefined;
  for (const event of events) task = apply(task, event);
  return task;
}

/** The task after one more event; undefined as long as its spec is not known. */
export function apply(task: Task | undefined, event: TaskEvent): Task | undefined {
  const { facet, sequence } = event;
  if (facet.case === "spec") {
    return create(TaskSchema, {
      id: event.taskId,
      spec: facet.value,
      state: TaskState.QUEUED,
      ...(event.time && { createTime: event.time }),
      sequence,
    });
  }
  if (!task) return undefined;
  const next = { ...task, sequence };
  if (facet.case === "state") return withState(next, facet.value, event);
  if (facet.case === "progress" && facet.value.attempt === task.attempt) {
    return { ...next, progress: facet.value };
  }
  return next;
}

/** A new attempt has made no progress yet; the old one's must not show. */
function withState(task: Task, change: StateChange, event: TaskEvent): Task {
  const { progress, nextAttemptTime: _, ...rest } = task;
  const keepsProgress = progress?.attempt === change.attempt;
  return create(TaskSchema, {
    ...rest,
    ...(keepsProgress && progress && { progress }),
    state: change.state,
    attempt: change.attempt,
    failures: change.failures,
    crashes: change.crashes,
    workerId: change.workerId,
    cancelReason: change.cancelReason,
    ...(change.startTime && { startTime: change.startTime }),
    ...(change.nextAttemptTime && { nextAttemptTime: change.nextAttemptTime }),
    ...(change.error && { error: change.error }),
    ...(change.output && { output: change.output }),
    ...(isTerminal(change.state) && event.time && { endTime: event.time }),
  });
}
