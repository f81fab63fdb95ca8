import type { Any } from "@bufbuild/protobuf/wkt";
import { aborted } from "#lib/process/leaving.ts";
import type { Log } from "#lib/process/log.ts";
import {
  AttemptStopped,
  endOfError,
  type HandlerEnd,
  type Outcome,
  outcomeOf,
} from "#lib/task/outcome.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import type { AbandonedHandlers } from "./abandoned-handlers.ts";
import type { AttemptNotes } from "./attempt-notes.ts";
import { type Context, handle } from "./handle.ts";
import type { HandlerThreads } from "./isolated/handler-threads.ts";
import type { Stops } from "./stops.ts";
import { asOwner } from "./strays.ts";

/** Where handlers run. */
export interface Stage {
  readonly threads: HandlerThreads;
  readonly abandoned: AbandonedHandlers;
  readonly log: Pick<Log, "warn">;
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
export async function perform(cue: Cue, stage: Stage): Promise<Outcome> {
  const end = await (cue.type.isolated ? stage.threads.run(cue) : performHere(cue, stage));
  return outcomeOf(end, cue.stops.reason);
}

async function performHere({ type, input, context, stops }: Cue, { abandoned, log }: Stage) {
  const startedMs = Date.now();
  const who = { taskId: context.taskId, attempt: context.number, taskType: type.input.typeName };
  const stray = Promise.withResolvers<HandlerEnd>();
  const onStray = (error: unknown) => {
    // As the task will have it: what was thrown may throw in its turn when the log looks at it.
    const end = endOfError(error);
    log.warn({ ...who, end }, "an error of a handler that nobody awaits");
    stray.resolve(end);
  };
  const work = asOwner({ ...who, onStray }, () => handle(type, input, context));
  const given = await Promise.race([
    work.then((end) => ({ end, isOver: true })),
    stray.promise.then((end) => ({ end, isOver: false })),
    aborted(stops.end).then(() => ({ end: undefined, isOver: false })),
  ]);
  if (!given.isOver) abandoned.add(work, { ...who, startedMs });
  if (given.end && !given.isOver) stops.stop(new AttemptStopped("failed", "an error came of it"));
  return given.end;
}
