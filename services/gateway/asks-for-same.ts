import { equals } from "@bufbuild/protobuf";
import { type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";

/**
 * Whether a repeat asks for the task of the first submit. Where it leaves queue or priority open it takes what the first
 * one got: the rules that filled them in may have changed since.
 */
export function asksForSame(asked: TaskSpec, first: TaskSpec): boolean {
  const { queue, priority } = first;
  const filled = {
    ...asked,
    queue: asked.queue || queue,
    priority: asked.priority || priority,
  };
  return equals(TaskSpecSchema, filled, first);
}
