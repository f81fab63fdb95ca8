import { once } from "node:events";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { pause } from "#lib/process/pause.ts";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { MAX_OUTPUT_BYTES } from "#lib/task/limits.ts";
import { AttemptStopped, type Outcome, outcomeOfError, outcomeOfStop } from "#lib/task/outcome.ts";
import type { Attempt, TaskTypeDefinition } from "#lib/task/task-type.ts";

/** How long a handler may take to clean up after its signal; then it is left to itself, and the log refuses its words. */
export const CLEAN_UP_MS = 5_000;

type Context = Omit<Attempt<unknown>, "input">;

/** Runs the handler, and says how that ended. Never throws. */
export async function perform(
  type: TaskTypeDefinition,
  input: Any | undefined,
  context: Context,
): Promise<Outcome> {
  const { signal } = context;
  const ended = new AbortController();
  try {
    const work = run(type, input, context);
    // Should we leave it to itself, its end is nobody's business.
    work.catch(() => {});
    const output = await Promise.race([work, abandoned(signal, ended.signal)]);
    if (isStop(signal.reason) && signal.reason.why !== "leaving") {
      return outcomeOfStop(signal.reason);
    }
    return { kind: "succeeded", output };
  } catch (error) {
    return isStop(signal.reason) ? outcomeOfStop(signal.reason) : outcomeOfError(error);
  } finally {
    ended.abort();
  }
}

function isStop(reason: unknown): reason is AttemptStopped {
  return reason instanceof AttemptStopped;
}

async function run(
  type: TaskTypeDefinition,
  given: Any | undefined,
  context: Context,
): Promise<Any> {
  const input = given && anyUnpack(given, type.input);
  if (!input) throw new PermanentError("the input can't be read", { code: "INPUT_UNREADABLE" });
  const output = anyPack(
    type.output,
    create(type.output, await type.handler({ ...context, input })),
  );
  const { length } = toBinary(AnySchema, output);
  if (length <= MAX_OUTPUT_BYTES) return output;
  throw new PermanentError(`the output has ${length} bytes; ${MAX_OUTPUT_BYTES} are allowed`, {
    code: "OUTPUT_TOO_LARGE",
  });
}

/** Rejects some time after the signal, for handlers that don't listen to it. */
async function abandoned(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  const either = AbortSignal.any([signal, ended]);
  if (!either.aborted) await once(either, "abort");
  if (!ended.aborted) await pause(CLEAN_UP_MS, ended);
  throw signal.reason;
}
