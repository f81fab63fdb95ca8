import type { Settings } from "#lib/process/settings.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { summarizePage } from "./summarize-page.ts";

/** The task types of this worker. A new one: write its file beside this one, and add it here. */
export function taskTypes(settings: Settings): readonly TaskTypeDefinition[] {
  return [summarizePage(settings)];
}
