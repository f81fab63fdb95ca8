import type { Progress, TaskEvent } from "#gen/millrace/v1/task_pb.ts";

/** All that the event tells of how far the attempt is, oldest first. */
export function reportsOf({ facet, reports }: TaskEvent): readonly Progress[] {
  return facet.case === "progress" ? [...reports, facet.value] : reports;
}
