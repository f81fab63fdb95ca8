import type { RunTaskResponse, SubmitTaskRequest } from "#gen/millrace/v1/task_service_pb.ts";
import { opened } from "#lib/async/opened.ts";
import { InvalidField } from "#lib/task/errors.ts";
import { accept } from "./accept.ts";
import { taskIdOf } from "./task-id.ts";
import type { TaskServiceOptions } from "./task-service.ts";
import { updatesOfNew, watchUpdates } from "./updates.ts";

/** Submits a task and watches it. It is heard of from before it is written: nothing is read to watch a new one. */
export function runTask(
  request: SubmitTaskRequest | undefined,
  options: TaskServiceOptions,
  signal: AbortSignal,
): AsyncIterable<Pick<RunTaskResponse, "update">> {
  return opened(() => submitAndWatch(request, options, signal));
}

async function submitAndWatch(
  request: SubmitTaskRequest | undefined,
  options: TaskServiceOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<Pick<RunTaskResponse, "update">>> {
  if (!request) throw new InvalidField("submit", "is required");
  const { watching } = options;
  // Before anything is accepted that could then not be watched.
  watching.check();
  const taskId = taskIdOf(request);
  using held = new DisposableStack();
  const expected = held.use(watching.expect(taskId));
  const wanted = { ...request, taskId };
  const { task, deduplicated } = await accept(wanted, "submit.spec", options, expected);
  if (deduplicated) return watchUpdates(options, { taskId, afterSequence: 0n }, signal);
  held.move();
  return updatesOfNew(options, { task, expected }, signal);
}
