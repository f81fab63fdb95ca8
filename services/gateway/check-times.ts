import { type Duration, durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import { type FieldFault, InvalidField } from "#lib/task/errors.ts";
import { longestLifeMs } from "#lib/task/outlived.ts";
import { timesOf } from "#lib/task/times.ts";
import { malformedTimes } from "./malformed-times.ts";

/** A start time that is past by no more than this is meant as now: clocks differ, and requests take time. */
const FORGIVEN_MS = 5_000;
/** A task that starts as late as this share of the history's length still has the rest of it to run. */
const LATEST_START = 0.9;

export interface TimeRules {
  /** How long an event is kept. */
  readonly historyMs: number;
  readonly nowMs: number;
  /** The limit of an attempt whose task does not bring its own. Undefined: not known. */
  readonly typeTimeout: Duration | undefined;
}

/** Refuses times that say nothing, contradict each other, or are more than the log would remember. */
export function checkTimes(spec: TaskSpec, at: string, rules: TimeRules): void {
  const faults = [
    ...malformedTimes(spec),
    ...tooLong(spec, rules),
    ...keptTooLong(spec, rules),
    ...tooLate(spec, rules),
    ...contradictions(spec, rules),
  ];
  if (faults.length === 0) return;
  throw new InvalidField(faults.map((fault) => ({ ...fault, field: `${at}.${fault.field}` })));
}

/** What is past by now, or by its start. Not wrong for a repeat of a submit that was in time. */
export function pastTimes(spec: TaskSpec, at: string, nowMs: number): InvalidField | undefined {
  const { start, expiry } = spec;
  if (start.case === "startTime" && timestampMs(start.value) < nowMs - FORGIVEN_MS) {
    return new InvalidField(`${at}.start_time`, `is past; it is ${timeOf(nowMs)} now`);
  }
  if (expiry.case !== "expireTime") return undefined;
  const expireMs = timestampMs(expiry.value);
  if (expireMs <= nowMs) {
    return new InvalidField(`${at}.expire_time`, `is past; it is ${timeOf(nowMs)} now`);
  }
  const { startMs = nowMs } = timesOf(spec, nowMs);
  if (expireMs > startMs) return undefined;
  return new InvalidField(`${at}.expire_time`, "must be later than its start");
}

function tooLong(spec: TaskSpec, { historyMs }: TimeRules): FieldFault[] {
  const { attemptTimeout, attemptSoftTimeout, taskTimeout, retryPolicy, expiry } = spec;
  const given: Record<string, Duration | undefined> = {
    attempt_timeout: attemptTimeout,
    attempt_soft_timeout: attemptSoftTimeout,
    task_timeout: taskTimeout,
    "retry_policy.initial_backoff": retryPolicy?.initialBackoff,
    "retry_policy.max_backoff": retryPolicy?.maxBackoff,
    ttl: expiry.case === "ttl" ? expiry.value : undefined,
  };
  const lifeMs = longestLifeMs(historyMs);
  const description = `may not exceed ${lifeMs / 1_000} s: the history is kept for ${historyMs / 1_000} s`;
  return Object.entries(given)
    .filter(([, duration]) => duration && durationMs(duration) > lifeMs)
    .map(([field]) => ({ field, description }));
}

function keptTooLong({ keepFor }: TaskSpec, { historyMs }: TimeRules): FieldFault[] {
  if (!keepFor || durationMs(keepFor) <= historyMs) return [];
  const description = `may not exceed ${historyMs / 1_000} s: the history is kept no longer`;
  return [{ field: "keep_for", description }];
}

function tooLate(spec: TaskSpec, { historyMs, nowMs }: TimeRules): FieldFault[] {
  const { start, expiry } = spec;
  const latestMs = Math.floor(historyMs * LATEST_START);
  const faults: FieldFault[] = [];
  const { startMs = nowMs } = timesOf(spec, nowMs);
  if (start.case !== undefined && startMs - nowMs > latestMs) {
    const description = `may be at most ${latestMs / 1_000} s from now: the history is kept for ${historyMs / 1_000} s`;
    faults.push({ field: start.case === "delay" ? "delay" : "start_time", description });
  }
  const lifeMs = longestLifeMs(historyMs);
  if (expiry.case === "expireTime" && timestampMs(expiry.value) - nowMs > lifeMs) {
    const description = `may be at most ${lifeMs / 1_000} s from now: the history is kept for ${historyMs / 1_000} s`;
    faults.push({ field: "expire_time", description });
  }
  return faults;
}

function contradictions(
  { attemptTimeout, attemptSoftTimeout }: TaskSpec,
  { typeTimeout }: TimeRules,
): FieldFault[] {
  const limit = attemptTimeout ?? typeTimeout;
  if (!limit || !attemptSoftTimeout) return [];
  if (durationMs(attemptSoftTimeout) < durationMs(limit)) return [];
  const ofType = attemptTimeout
    ? ""
    : `, which is ${durationMs(limit) / 1_000} s for this task type`;
  const description = `must be less than attempt_timeout${ofType}`;
  return [{ field: "attempt_soft_timeout", description }];
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
