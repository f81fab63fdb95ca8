import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import type { FieldFault } from "#lib/task/errors.ts";

const NANOS_PER_SECOND = 1_000_000_000;

/** Times that can be stored, but not told in JSON: nobody could read the task through that door again. */
export function malformedTimes(spec: TaskSpec): FieldFault[] {
  const { start, expiry, attemptTimeout, attemptSoftTimeout, taskTimeout, retryPolicy, keepFor } =
    spec;
  const given: Record<string, Duration | Timestamp | undefined> = {
    [start.case === "delay" ? "delay" : "start_time"]: start.value,
    [expiry.case === "ttl" ? "ttl" : "expire_time"]: expiry.value,
    attempt_timeout: attemptTimeout,
    attempt_soft_timeout: attemptSoftTimeout,
    task_timeout: taskTimeout,
    keep_for: keepFor,
    "retry_policy.initial_backoff": retryPolicy?.initialBackoff,
    "retry_policy.max_backoff": retryPolicy?.maxBackoff,
  };
  // None of them may be negative, so neither may its nanos.
  const description = "its nanos must be from 0 to 999,999,999";
  return Object.entries(given)
    .filter(([, time]) => time && (time.nanos < 0 || time.nanos >= NANOS_PER_SECOND))
    .map(([field]) => ({ field, description }));
}
