import { StartupError } from "#lib/process/startup-error.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import type { HandlerSettings } from "./handler-settings.ts";

/** The task types that a module offers: it exports `taskTypes(settings)`. Threads load theirs from the same module. */
export async function loadTaskTypes(
  module: string,
  settings: HandlerSettings,
): Promise<readonly TaskTypeDefinition[]> {
  const { taskTypes } = await import(module);
  if (typeof taskTypes === "function") return taskTypes(settings);
  throw new StartupError(`${module} does not export a function taskTypes(settings)`);
}
