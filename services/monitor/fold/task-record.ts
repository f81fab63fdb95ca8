import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Priority,
  type StateChange,
  type TaskEvent,
  type TaskSpec,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isTimed, timesOf } from "#lib/task/times.ts";
import type { Series } from "./series.ts";

/** What a spec says of times. */
type Timing = Pick<TaskSpec, "start" | "expiry" | "taskTimeout">;

/** What the fold remembers of a task that has not succeeded. Small, for there may be millions. */
export interface TaskRecord {
  readonly id: string;
  /** Of its spec. */
  readonly sequence: number;
  /** Its queue and its type. */
  readonly series: Series;
  readonly priority: Priority;
  /** Most specs say nothing of times. */
  readonly timing: Timing | undefined;
  readonly createdMs: number;
  /** It may start from then on: what it waits before does not count. */
  startMs: number;
  state: TaskState;
  attempt: number;
  failures: number;
  crashes: number;
  restarts: number;
  /** When it came to its state. */
  sinceMs: number;
}

/** A task that was accepted then. */
export function recordOf(
  { taskId, sequence }: TaskEvent,
  spec: TaskSpec,
  { series, createdMs }: { readonly series: Series; readonly createdMs: number },
): TaskRecord {
  const startMs = timesOf(spec, createdMs).startMs ?? createdMs;
  return {
    id: taskId,
    sequence: Number(sequence),
    series,
    priority: spec.priority,
    timing: timingOf(spec),
    createdMs,
    startMs,
    state: startMs > createdMs ? TaskState.SCHEDULED : TaskState.QUEUED,
    attempt: 0,
    failures: 0,
    crashes: 0,
    restarts: 0,
    sinceMs: createdMs,
  };
}

function timingOf(spec: TaskSpec): Timing | undefined {
  if (!isTimed(spec)) return undefined;
  const { start, expiry, taskTimeout } = spec;
  return { start, expiry, ...(taskTimeout && { taskTimeout }) };
}

/** Brings the record to what the change says is true from that time on. */
export function advance(record: TaskRecord, change: StateChange, timeMs: number): void {
  record.sinceMs = timeMs;
  if (change.restarts > record.restarts) record.startMs = msOf(change.restartTime, timeMs);
  record.state = change.state;
  record.attempt = change.attempt;
  record.failures = change.failures;
  record.crashes = change.crashes;
  record.restarts = change.restarts;
}

function msOf(time: StateChange["restartTime"], otherwiseMs: number): number {
  return time ? timestampMs(time) : otherwiseMs;
}
