import { BroadcastChannel, workerData } from "node:worker_threads";
import { endOfError, type HandlerEnd } from "#lib/task/outcome.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { handle } from "../handle.ts";
import { fromCopyable } from "../handler-settings.ts";
import { loadTaskTypes } from "../load-task-types.ts";
import { asOwner, hearStrays } from "../strays.ts";
import { STRAYS, type StrayError, type ThreadAttempt, type ThreadData } from "./messages.ts";
import { ThreadContext } from "./thread-context.ts";

/** What an attempt has left behind may fail when the thread has another one; it must not end that. */
const strays = new BroadcastChannel(STRAYS);

hearStrays((error) => {
  throw error;
});

let types: readonly TaskTypeDefinition[] | undefined;

/** Runs one attempt in this thread; called by the pool. */
export async function attempt(given: ThreadAttempt): Promise<HandlerEnd> {
  using context = new ThreadContext(given);
  const { module, settings }: ThreadData = workerData;
  // Kept only when it succeeds: a thread that could never run anything again would draw attempts by failing fast.
  types ??= await loadTaskTypes(module, fromCopyable(settings));
  const type = types.find(({ input }) => input.typeName === given.typeName);
  if (!type) throw new Error(`${module} has no task type ${given.typeName}`);
  let isOver = false;
  const who = { taskId: given.taskId, attempt: given.number, taskType: given.typeName };
  const onStray = (error: unknown) => {
    // The thread ends, and the attempt with it.
    if (!isOver) throw error;
    strays.postMessage({ ...who, end: endOfError(error) } satisfies StrayError);
  };
  const owner = { ...who, onStray };
  try {
    // Awaited here, for the context ends with this scope.
    return await asOwner(owner, () => handle(type, given.input, context.attempt));
  } finally {
    isOver = true;
  }
}
