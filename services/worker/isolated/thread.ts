import { workerData } from "node:worker_threads";
import type { HandlerEnd } from "#lib/task/outcome.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { handle } from "../handle.ts";
import { fromCopyable } from "../handler-settings.ts";
import { loadTaskTypes } from "../load-task-types.ts";
import type { ThreadAttempt, ThreadData } from "./messages.ts";
import { ThreadContext } from "./thread-context.ts";

let types: readonly TaskTypeDefinition[] | undefined;

/** Runs one attempt in this thread; called by the pool. */
export async function attempt(given: ThreadAttempt): Promise<HandlerEnd> {
  using context = new ThreadContext(given);
  const { module, settings }: ThreadData = workerData;
  // Kept only when it succeeds: a thread that could never run anything again would draw attempts by failing fast.
  types ??= await loadTaskTypes(module, fromCopyable(settings));
  const type = types.find(({ input }) => input.typeName === given.typeName);
  if (!type) throw new Error(`${module} has no task type ${given.typeName}`);
  // Awaited here, for the context ends with this scope.
  return await handle(type, given.input, context.attempt);
}
