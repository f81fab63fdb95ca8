import { durationMs, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { StateChange, TaskSpec } from "#gen/millrace/v1/task_pb.ts";

/** When a task may start, and what it must not outlast; in milliseconds since 1970. */
export interface Times {
  /** Its first attempt starts no earlier. */
  readonly startMs: number;
  /** If no attempt has started by then, it is EXPIRED. */
  readonly expireMs: number | undefined;
  /** If it has not ended by then, it is FAILED with TASK_TIMEOUT. */
  readonly deadlineMs: number | undefined;
}

/** What of a task's last state change its times depend on. */
type Restart = Pick<StateChange, "restartTime">;

/**
 * The times of a task that was accepted then. One that was started again runs because somebody wants it now: it neither
 * waits nor expires, and its deadline counts from that restart.
 */
export function timesOf(spec: TaskSpec, acceptedMs: number, last?: Restart): Times {
  const restartMs = msOf(last?.restartTime);
  const startMs = restartMs ?? startOf(spec, acceptedMs);
  const limitMs = spec.taskTimeout && durationMs(spec.taskTimeout);
  return {
    startMs,
    expireMs: restartMs === undefined ? expiryOf(spec, startMs) : undefined,
    deadlineMs: limitMs === undefined ? undefined : startMs + limitMs,
  };
}

function startOf({ start }: TaskSpec, acceptedMs: number): number {
  if (start.case === "startTime") return Math.max(acceptedMs, timestampMs(start.value));
  return start.case === "delay" ? acceptedMs + durationMs(start.value) : acceptedMs;
}

function expiryOf({ expiry }: TaskSpec, startMs: number): number | undefined {
  if (expiry.case === "expireTime") return timestampMs(expiry.value);
  return expiry.case === "ttl" ? startMs + durationMs(expiry.value) : undefined;
}

function msOf(time: Timestamp | undefined): number | undefined {
  return time && timestampMs(time);
}
