import { equals } from "@bufbuild/protobuf";
import { type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";

/**
 * Whether a repeat asks for the task of the first submit. Where it leaves queue, priority or keep_for open it takes what
 * the first one got: what filled them in may have changed since.
 */
export function asksForSame(asked: TaskSpec, first: TaskSpec): boolean {
  const { queue, priority, keepFor } = first;
  const filled = {
    ...asked,
    queue: asked.queue || queue,
    priority: asked.priority || priority,
    ...(!asked.keepFor && keepFor && { keepFor }),
  };
  return equals(TaskSpecSchema, filled, first);
}
