import type { Any } from "@bufbuild/protobuf/wkt";
import { aborted } from "#lib/async/abort.ts";
import type { Log } from "#lib/process/log.ts";
import { AttemptStopped, endOfError, type HandlerEnd } from "#lib/task/outcome.ts";
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

/** Which handler is to be called, with what input, and who stops it. */
export interface Preparation {
  readonly type: TaskTypeDefinition;
  readonly input: Any | undefined;
  readonly stops: Stops;
}

/** What a handler is given when it is called, besides its input. */
export interface Cue {
  readonly context: Context;
  readonly notes: Pick<AttemptNotes, "relay">;
}

/** A handler that can be called at once. Not called, it is let go of. */
export interface PreparedHandler extends Disposable {
  /** Calls it, once, and says how it ended; undefined if it did not in time. Never throws. */
  call(cue: Cue): Promise<HandlerEnd | undefined>;
}

/**
 * Does all that can fail or take time before the handler can be called. Undefined: it was stopped before, or it is to
 * have a thread of its own and none can be started.
 */
export async function prepareHandler(
  given: Preparation,
  stage: Stage,
): Promise<PreparedHandler | undefined> {
  if (given.type.isolated) return stage.threads.prepare(given);
  return { call: (cue) => callHere(cue, given, stage), [Symbol.dispose]() {} };
}

async function callHere(
  { context }: Cue,
  { type, input, stops }: Preparation,
  { abandoned, log }: Stage,
): Promise<HandlerEnd | undefined> {
  const startedMs = Date.now();
  const who = { taskId: context.taskId, attempt: context.number, taskType: type.input.typeName };
  const stray = Promise.withResolvers<HandlerEnd>();
  const onStray = (error: unknown) => {
    // As the task will have it: what was thrown may throw in its turn when the log looks at it.
    const end = endOfError(error);
    log.warn({ ...who, end }, "an error of a handler that nobody awaits");
    stray.resolve(end);
  };
  const work = asOwner({ ...who, onStray }, context.signal, (signal) =>
    handle(type, input, { ...context, signal }),
  );
  const given = await Promise.race([
    work.then((end) => ({ end, isOver: true })),
    stray.promise.then((end) => ({ end, isOver: false })),
    aborted(stops.end).then(() => ({ end: undefined, isOver: false })),
  ]);
  if (!given.isOver) abandoned.add(work, { ...who, startedMs });
  if (given.end && !given.isOver) stops.stop(new AttemptStopped("failed", "an error came of it"));
  return given.end;
}
