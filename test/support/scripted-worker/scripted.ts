import { getCompileCacheDir } from "node:module";
import { setTimeout as later, setImmediate } from "node:timers";
import { setTimeout } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { StringValueSchema, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";
import { type Attempt, defineTaskType } from "#lib/task/task-type.ts";
import { type Runaway, runAway } from "./runaway.ts";

/** What a scripted task does, in this order. Everything is optional. */
export interface Script {
  /** Steps, each with progress, a log line and a word of output. */
  steps?: number;
  /** Reports before its steps; each number is written as text, for JSON has no NaN. */
  reports?: Partial<Record<"fraction" | "current" | "total", string>>[];
  /** Log lines that it writes at once, before its steps. */
  lines?: number;
  /** Bytes of output that each step adds. */
  stepBytes?: number;
  /** Has a payment service at this address charge for it, with the attempt's idempotency key. */
  charge?: string;
  /** Calls this address and goes on when it answers: so that a test knows that the attempt runs, and says how long. */
  gate?: string;
  /** The same as steps, behind the gate. */
  stepsAfterGate?: number;
  /** Goes on when its signal aborts instead of stopping. */
  deaf?: boolean;
  /** Returns "partial" when its signal aborts at the gate, instead of throwing. */
  partial?: boolean;
  /** Saves this as a checkpoint behind the gate. */
  checkpoint?: JsonValue;
  /** Counts from the checkpoint to this number, one at a time, and saves each number as a checkpoint. */
  countTo?: number;
  /** Comes to the gate when it has counted to this number, instead of before. */
  gateAtCount?: number;
  /** Prints this many lines, as a handler's console.log does. */
  prints?: number;
  /** Returns the number of its thread. */
  tellThread?: boolean;
  /** Returns the folder in which Node keeps what is compiled here. */
  tellCompiled?: boolean;
  /** Does this behind the gate, and does not listen to its signal. */
  runaway?: Runaway;
  /** How long its first attempt blocks the event loop of its worker, in milliseconds. */
  blockMs?: number;
  /** Attempts, up to this number, that kill their worker. */
  crashes?: number;
  /** Attempts, up to this number, that fail with an error that may pass. */
  failures?: number;
  /** The code of that error. */
  failureCode?: string;
  /** What its errors say to programs. */
  details?: JsonObject;
  /** When, after that error, the next attempt is worth it. */
  retryAfterMs?: number;
  /** Fails for good, with this code. */
  permanent?: string;
  /** Leaves something behind that fails after so many milliseconds, and goes on. Nobody sees that it is there. */
  stray?: { how: "rejection" | "timer" | "unreadable" | "null"; afterMs: number };
  /** Listens to its signal, and fails at that: itself, or by a promise. */
  failsWhenStopped?: "listener" | "promise";
  /** Leaves a timer behind that does this after so many milliseconds, and goes on. */
  leaves?: { runaway: Runaway; afterMs: number };
  /** Has its thread do this right after its end. Nobody sees that it is there. */
  unseen?: Runaway;
  /** How long it waits at the gate, by a signal of its own. */
  gateMs?: number;
  /** How long it does nothing, in milliseconds. */
  idleMs?: number;
  /** Bytes of output. */
  outputBytes?: number;
}

const RETRY = { maxAttempts: 3, initialBackoffMs: 250, jitter: 0 };

/** A task type that does as its input says. */
const scripted = defineTaskType({
  input: StructSchema,
  output: StringValueSchema,
  alias: "test.scripted",
  description: "Does as its input says.",
  retry: RETRY,
  handler: (attempt) => play(attempt, toJson(StructSchema, attempt.input) as Script),
});

/** The same in a thread of its own. */
const isolated = defineTaskType({
  input: ValueSchema,
  output: StringValueSchema,
  alias: "test.isolated",
  description: "Does as its input says, in a thread of its own.",
  isolated: true,
  retry: RETRY,
  handler: (attempt) => play(attempt, toJson(ValueSchema, attempt.input) as Script),
});

export function taskTypes() {
  return [scripted, isolated];
}

async function play(attempt: Attempt<unknown>, script: Script): Promise<{ value: string }> {
  speak(attempt, script);
  await goSteps(attempt, script.steps ?? 0, script);
  if (script.countTo !== undefined) return count(attempt, script, script.countTo);
  if (script.charge !== undefined) await charge(script.charge, attempt);
  if (attempt.number === 1) leaveBehind(attempt, script);
  if (script.failsWhenStopped) failWhenStopped(attempt, script.failsWhenStopped);
  try {
    await passGate(script, attempt);
  } catch (error) {
    if (script.partial) return { value: "partial" };
    throw error;
  }
  return playOn(attempt, script);
}

function speak(attempt: Attempt<unknown>, { reports = [], lines = 0 }: Script): void {
  for (const report of reports) {
    attempt.report(Object.fromEntries(Object.entries(report).map(([of, n]) => [of, Number(n)])));
  }
  for (let line = 1; line <= lines; line += 1) attempt.log("info", `line ${line}`);
}

/** What comes behind the gate. */
async function playOn(attempt: Attempt<unknown>, script: Script): Promise<{ value: string }> {
  await goSteps(attempt, script.stepsAfterGate ?? 0, {});
  if (script.checkpoint !== undefined) await attempt.saveCheckpoint(script.checkpoint);
  await print(script.prints ?? 0);
  if (attempt.number === 1) block(script.blockMs ?? 0);
  const { runaway, unseen } = script;
  if (runaway) runAway(runaway, attempt);
  if (unseen) setImmediate(() => runAway(unseen, attempt)).unref();
  fail(script, attempt);
  return { value: answerOf(attempt, script) };
}

function answerOf({ number }: Attempt<unknown>, script: Script): string {
  if (script.tellThread) return `thread ${threadId}`;
  if (script.tellCompiled) return getCompileCacheDir() ?? "nowhere";
  return "x".repeat(script.outputBytes ?? 0) || `attempt ${number}`;
}

/** Says where it began, so that a test sees what a checkpoint saved. */
async function count(attempt: Attempt<unknown>, script: Script, to: number) {
  const from = typeof attempt.checkpoint === "number" ? attempt.checkpoint : 0;
  for (let at = from + 1; at <= to; at += 1) {
    await attempt.saveCheckpoint(at);
    if (at === script.gateAtCount) await passGate(script, attempt);
    if (at === script.gateAtCount) fail(script, attempt);
  }
  return { value: `counted from ${from} to ${to}` };
}

async function goSteps(
  attempt: Attempt<unknown>,
  steps: number,
  { idleMs = 0, stepBytes = 0 }: Script,
): Promise<void> {
  for (let step = 1; step <= steps; step += 1) {
    attempt.report({ current: step, total: steps, fraction: step / steps, note: `step ${step}` });
    attempt.emit(`word${step} `);
    if (stepBytes > 0) attempt.emit("x".repeat(stepBytes));
    attempt.log("info", `did step ${step}`);
    if (idleMs > 0) await setTimeout(idleMs / steps, undefined, attempt);
  }
}

function leaveBehind(attempt: Attempt<unknown>, { stray, leaves }: Script): void {
  if (stray) leaveStray(stray);
  if (leaves) later(() => runAway(leaves.runaway, attempt), leaves.afterMs);
}

function leaveStray({ how, afterMs }: NonNullable<Script["stray"]>): void {
  const refuses = () => {
    throw new Error("can't be read");
  };
  const throws = () => {
    if (how === "null") throw null;
    if (how === "unreadable") throw new Proxy({}, { getPrototypeOf: refuses, get: refuses });
    throw new TransientError("left behind", { code: "STRAY" });
  };
  if (how === "timer") later(throws, afterMs).unref();
  else void setTimeout(afterMs, undefined, { ref: false }).then(throws);
}

function failWhenStopped({ signal }: Attempt<unknown>, by: "listener" | "promise"): void {
  const cleanUp = async () => {
    throw new Error("can't clean up");
  };
  signal.addEventListener("abort", () => {
    if (by === "promise") void cleanUp();
    else throw new Error("can't clean up");
  });
}

async function charge(url: string, { id, idempotencyKey }: Attempt<unknown>): Promise<void> {
  const headers = { "idempotency-key": idempotencyKey };
  await (await fetch(url, { method: "POST", headers, body: id })).text();
}

async function passGate(
  { gate, gateMs, deaf }: Script,
  { signal }: Attempt<unknown>,
): Promise<void> {
  if (!gate) return;
  const own = gateMs === undefined ? [] : [AbortSignal.timeout(gateMs)];
  const response = await fetch(gate, { signal: AbortSignal.any(deaf ? own : [signal, ...own]) });
  await response.text();
}

/** Each in a turn of its own, for an error of the first is told in the next. */
async function print(lines: number): Promise<void> {
  for (let line = 1; line <= lines; line += 1) {
    process.stdout.write(`line ${line}\n`);
    process.stderr.write(`line ${line}\n`);
    await setTimeout(10);
  }
}

/** As a busy loop does to all else in its thread, but leaves the core to others. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function fail(script: Script, { number }: Attempt<unknown>): void {
  if (number <= (script.crashes ?? 0)) process.kill(process.pid, "SIGKILL");
  const details = script.details && { details: script.details };
  if (script.permanent) {
    throw new PermanentError("told to fail", { code: script.permanent, ...details });
  }
  if (number > (script.failures ?? 0)) return;
  const { failureCode: code = "TOLD", retryAfterMs } = script;
  const when = retryAfterMs === undefined ? {} : { retryAfterMs };
  throw new TransientError("told to fail", { code, ...when, ...details });
}
