import type { RunTaskResponse, SubmitTaskRequest } from "#gen/millrace/v1/task_service_pb.ts";
import { InvalidField } from "#lib/task/errors.ts";
import { accept } from "./accept.ts";
import { taskIdOf } from "./task-id.ts";
import type { TaskServiceOptions } from "./task-service.ts";
import { updatesOfNew, watchUpdates } from "./updates.ts";

/** Submits a task and watches it. It is heard of from before it is written: nothing is read to watch a new one. */
export async function* runTask(
  request: SubmitTaskRequest | undefined,
  options: TaskServiceOptions,
  signal: AbortSignal,
): AsyncGenerator<Pick<RunTaskResponse, "update">> {
  if (!request) throw new InvalidField("submit", "is required");
  const { watching } = options;
  // Before anything is accepted that could then not be watched.
  watching.check();
  const taskId = taskIdOf(request);
  using expected = watching.expect(taskId);
  const wanted = { ...request, taskId };
  const { task, deduplicated } = await accept(wanted, "submit.spec", options, expected);
  // Else it would hear all that the other watch does, and nobody would read it.
  if (deduplicated) expected[Symbol.dispose]();
  const updates = deduplicated
    ? watchUpdates(options, { taskId, afterSequence: 0n }, signal)
    : updatesOfNew(options, { task, expected }, signal);
  for await (const update of updates) yield { update };
}
