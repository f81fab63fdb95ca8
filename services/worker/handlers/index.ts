import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import type { HandlerSettings } from "../handler-settings.ts";
import { summarizePage } from "./summarize-page.ts";

/** The task types of this worker. A new one: write its file beside this one, and add it here. */
export function taskTypes(settings: HandlerSettings): readonly TaskTypeDefinition[] {
  return [summarizePage(settings)];
}
