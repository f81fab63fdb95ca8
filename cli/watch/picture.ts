import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Progress,
  type StateChange,
  type TaskEvent,
  type TaskSpec,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { reportsOf } from "#lib/task/fold.ts";
import { timesOf } from "#lib/task/times.ts";

/** What the bar shows of a task. */
export interface Picture {
  readonly state: TaskState;
  readonly attempt: number;
  readonly progress: Progress | undefined;
  /** When the newest attempt started, or the task was accepted. */
  readonly sinceMs: number;
  /** When the next attempt starts, in SCHEDULED and RETRYING. */
  readonly nextAttemptMs: number | undefined;
}

export const NOTHING_YET: Picture = {
  state: TaskState.QUEUED,
  attempt: 0,
  progress: undefined,
  sinceMs: Number.NaN,
  nextAttemptMs: undefined,
};

/** The picture after one more event. */
export function withEvent(before: Picture, event: TaskEvent): Picture {
  const picture = withFacet(before, event);
  const progress = reportsOf(event).at(-1);
  return progress && progress.attempt >= picture.attempt ? { ...picture, progress } : picture;
}

function withFacet(picture: Picture, { facet, time }: TaskEvent): Picture {
  if (facet.case === "spec") return accepted(picture, facet.value, msOf(time));
  if (facet.case === "state") return withState(picture, facet.value, msOf(time));
  return picture;
}

function accepted(picture: Picture, spec: TaskSpec, atMs: number): Picture {
  const { startMs } = timesOf(spec, atMs);
  if (startMs === undefined || !(startMs > atMs)) return { ...picture, sinceMs: atMs };
  return { ...picture, state: TaskState.SCHEDULED, sinceMs: atMs, nextAttemptMs: startMs };
}

function withState(picture: Picture, change: StateChange, atMs: number): Picture {
  const { state, attempt, nextAttemptTime } = change;
  const isNewAttempt = attempt > picture.attempt;
  return {
    state,
    attempt,
    progress: isNewAttempt ? undefined : picture.progress,
    sinceMs: isNewAttempt || Number.isNaN(picture.sinceMs) ? atMs : picture.sinceMs,
    nextAttemptMs: nextAttemptTime && msOf(nextAttemptTime),
  };
}

function msOf(time: Timestamp | undefined): number {
  return time === undefined ? Number.NaN : timestampMs(time);
}
