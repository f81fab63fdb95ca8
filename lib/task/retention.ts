import { type Duration, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "#gen/millrace/v1/task_pb.ts";

/**
 * How long a task is to be kept once it has ended, to be stored with its spec: what it says itself, else what its type
 * says. Undefined: as long as the history is kept.
 */
export function keptFor(
  asked: Pick<TaskSpec, "keepFor">,
  type: { readonly keepFor?: Duration | undefined } | undefined,
  historyMs: number,
): Duration | undefined {
  if (asked.keepFor) return asked.keepFor;
  const ofType = type?.keepFor && durationMs(type.keepFor);
  return ofType === undefined || ofType >= historyMs ? undefined : durationFromMs(ofType);
}
