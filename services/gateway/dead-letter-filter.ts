import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type TaskEvent, type TaskSpec, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { DeadLetterFilter } from "#gen/millrace/v1/task_service_pb.ts";
import { bearsLabels } from "#lib/task/labels.ts";
import { isGone } from "#lib/task/life.ts";
import { typeNameOf } from "#lib/task/task-type.ts";

export type Filter = Omit<DeadLetterFilter, "$typeName" | "$unknown">;

/** Whether a task failed for good here, in a way that the filter asks for, as far as that can be told without its spec. */
export function failedSo({ facet, time }: TaskEvent, filter: Filter): boolean {
  if (facet.case !== "state" || facet.value.state !== TaskState.FAILED) return false;
  if (isGone(facet.value)) return false;
  if (filter.errorCode !== "" && facet.value.error?.code !== filter.errorCode) return false;
  return isWithin(time, filter);
}

/** Whether the filter asks for tasks with this spec. */
export function isSuch({ queue, input, labels }: TaskSpec, filter: Filter): boolean {
  if (filter.queue !== "" && queue !== filter.queue) return false;
  if (filter.taskType !== "" && typeNameOf(input) !== filter.taskType) return false;
  return bearsLabels(labels, filter.labels);
}

function isWithin(time: Timestamp | undefined, { failedAfter, failedBefore }: Filter): boolean {
  if (!time) return false;
  if (failedAfter && timestampMs(time) < timestampMs(failedAfter)) return false;
  return !(failedBefore && timestampMs(time) >= timestampMs(failedBefore));
}
