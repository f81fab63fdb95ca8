import type { Any } from "@bufbuild/protobuf/wkt";
import { aborted } from "#lib/process/leaving.ts";
import { type Outcome, outcomeOf } from "#lib/task/outcome.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import type { AbandonedHandlers } from "./abandoned-handlers.ts";
import type { AttemptNotes } from "./attempt-notes.ts";
import { type Context, handle } from "./handle.ts";
import type { HandlerThreads } from "./isolated/handler-threads.ts";
import type { Stops } from "./stops.ts";

/** Where handlers run. */
export interface Stage {
  readonly threads: HandlerThreads;
  readonly abandoned: AbandonedHandlers;
}

/** What a handler is given, and who stops it. */
export interface Cue {
  readonly type: TaskTypeDefinition;
  readonly input: Any | undefined;
  readonly context: Context;
  readonly stops: Stops;
  readonly notes: Pick<AttemptNotes, "relay">;
}

/** Runs the handler, and says how that ended. Never throws. */
export async function perform(cue: Cue, { threads, abandoned }: Stage): Promise<Outcome> {
  const end = await (cue.type.isolated ? threads.run(cue) : performHere(cue, abandoned));
  return outcomeOf(end, cue.stops.reason);
}

async function performHere({ type, input, context, stops }: Cue, abandoned: AbandonedHandlers) {
  const startedMs = Date.now();
  const work = handle(type, input, context);
  const end = await Promise.race([work, aborted(stops.end).then(() => undefined)]);
  if (!end) {
    const { taskId, number } = context;
    abandoned.add(work, { taskId, attempt: number, taskType: type.input.typeName, startedMs });
  }
  return end;
}
