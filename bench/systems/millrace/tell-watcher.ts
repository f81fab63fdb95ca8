import { anyUnpack, DoubleValueSchema } from "@bufbuild/protobuf/wkt";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import { reportsOf } from "#lib/task/fold.ts";
import type { Ended, Watcher } from "../../client/caller.ts";

/** Tells a watcher what an update says; the task's end, if it is that. */
export function tellWatcher(watcher: Watcher, update: TaskUpdate | undefined): Ended | undefined {
  switch (update?.kind.case) {
    case "snapshot":
      watcher.onOpen?.();
      return undefined;
    case "event":
      watcher.onEvent?.(update.kind.value.sequence);
      return tellEvent(watcher, update.kind.value);
    default:
      return undefined;
  }
}

/** Every state change with an output is an end. */
function tellEvent({ onReport }: Watcher, event: TaskEvent): Ended | undefined {
  const { taskId, facet } = event;
  for (const { note } of reportsOf(event)) onReport?.(Number(note));
  if (facet.case !== "state" || !facet.value.output) return undefined;
  const startedAtMs = anyUnpack(facet.value.output, DoubleValueSchema)?.value ?? Number.NaN;
  return { id: taskId, startedAtMs };
}

export function noEnd(): Error {
  return new Error("a watch ended without the end of its task");
}
