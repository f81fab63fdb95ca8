import { setTimeout } from "node:timers/promises";
import { toJson } from "@bufbuild/protobuf";
import { StringValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";
import { type Attempt, defineTaskType } from "#lib/task/task-type.ts";

/** What a scripted task does, in this order. Everything is optional. */
export interface Script {
  /** Steps, each with progress, a log line and a word of output. */
  steps?: number;
  /** Calls this address and goes on when it answers: so that a test knows that the attempt runs, and says how long. */
  gate?: string;
  /** The same as steps, behind the gate. */
  stepsAfterGate?: number;
  /** Goes on when its signal aborts instead of stopping. */
  deaf?: boolean;
  /** Attempts, up to this number, that kill their worker. */
  crashes?: number;
  /** Attempts, up to this number, that fail with an error that may pass. */
  failures?: number;
  /** Fails for good, with this code. */
  permanent?: string;
  /** How long it does nothing, in milliseconds. */
  idleMs?: number;
  /** Bytes of output. */
  outputBytes?: number;
}

/** A task type that does as its input says. */
export const scripted = defineTaskType({
  input: StructSchema,
  output: StringValueSchema,
  alias: "test.scripted",
  description: "Does as its input says.",
  retry: { maxAttempts: 3, initialBackoffMs: 250, jitter: 0 },
  async handler(attempt) {
    const script = toJson(StructSchema, attempt.input) as Script;
    await goSteps(attempt, script.steps ?? 0, script.idleMs);
    if (script.gate) await passGate(script.gate, script.deaf ? undefined : attempt.signal);
    await goSteps(attempt, script.stepsAfterGate ?? 0, 0);
    fail(script, attempt);
    return { value: "x".repeat(script.outputBytes ?? 0) || `attempt ${attempt.number}` };
  },
});

async function goSteps(attempt: Attempt<unknown>, steps: number, idleMs = 0): Promise<void> {
  for (let step = 1; step <= steps; step += 1) {
    attempt.report({ current: step, total: steps, fraction: step / steps, note: `step ${step}` });
    attempt.emit(`word${step} `);
    attempt.log("info", `did step ${step}`);
    if (idleMs > 0) await setTimeout(idleMs / steps, undefined, attempt);
  }
}

async function passGate(gate: string, signal: AbortSignal | undefined): Promise<void> {
  const response = await fetch(gate, signal ? { signal } : {});
  await response.text();
}

function fail(script: Script, { number }: Attempt<unknown>): void {
  if (number <= (script.crashes ?? 0)) process.kill(process.pid, "SIGKILL");
  if (script.permanent) throw new PermanentError("told to fail", { code: script.permanent });
  if (number <= (script.failures ?? 0)) throw new TransientError("told to fail", { code: "TOLD" });
}
