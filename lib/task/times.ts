import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { StateChange, TaskSpec } from "#gen/millrace/v1/task_pb.ts";

/** When a task may start, and what it must not outlast; in milliseconds since 1970. */
export interface Times {
  /** Its first attempt starts no earlier; later than it was accepted. Undefined: at once. */
  readonly startMs: number | undefined;
  /** If no attempt has started by then, it is EXPIRED. */
  readonly expireMs: number | undefined;
  /** If it has not ended by then, it is FAILED with TASK_TIMEOUT. */
  readonly deadlineMs: number | undefined;
}

/** What of a task's last state change its times depend on. */
type Restart = Pick<StateChange, "restartTime">;

/** Whether a task's times depend on when it was accepted. */
export function isTimed({ start, expiry, taskTimeout }: TaskSpec): boolean {
  return start.case !== undefined || expiry.case !== undefined || taskTimeout !== undefined;
}

/**
 * The times of a task that was accepted then. One that was started again runs because somebody wants it now: it neither
 * waits nor expires, and its deadline counts from that restart.
 */
export function timesOf(spec: TaskSpec, acceptedMs: number, last?: Restart): Times {
  const limitMs = spec.taskTimeout && durationMs(spec.taskTimeout);
  const deadlineOf = (sinceMs: number) => (limitMs === undefined ? undefined : sinceMs + limitMs);
  if (last?.restartTime) {
    const deadlineMs = deadlineOf(timestampMs(last.restartTime));
    return { startMs: undefined, expireMs: undefined, deadlineMs };
  }
  const startMs = startOf(spec, acceptedMs);
  const fromMs = startMs ?? acceptedMs;
  return { startMs, expireMs: expiryOf(spec, fromMs), deadlineMs: deadlineOf(fromMs) };
}

function startOf({ start }: TaskSpec, acceptedMs: number): number | undefined {
  if (start.case === undefined) return undefined;
  const startMs =
    start.case === "delay" ? acceptedMs + durationMs(start.value) : timestampMs(start.value);
  return startMs > acceptedMs ? startMs : undefined;
}

function expiryOf({ expiry }: TaskSpec, fromMs: number): number | undefined {
  if (expiry.case === "expireTime") return timestampMs(expiry.value);
  return expiry.case === "ttl" ? fromMs + durationMs(expiry.value) : undefined;
}
