import type { Caller, TaskWanted } from "./caller.ts";

/** Submits many in one call, and resolves with their ids in their order. A load that was accepted in part is another one. */
export async function submitAll(
  caller: Caller,
  tasks: readonly TaskWanted[],
): Promise<readonly string[]> {
  const ids = (await caller.submitMany?.(tasks)) ?? [];
  if (ids.length === tasks.length) return ids;
  throw new Error(`of ${tasks.length} tasks in a call ${ids.length} were accepted`);
}
