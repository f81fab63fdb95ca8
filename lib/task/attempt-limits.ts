import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "#gen/millrace/v1/task_pb.ts";

/** How long one attempt may take, counted from its start, in milliseconds. */
export interface AttemptLimits {
  /** Then it is asked to come to an end. */
  readonly softMs: number | undefined;
  /** Then it has timed out. */
  readonly hardMs: number;
  /** True: the hard limit is the task's own deadline, which ends the task. */
  readonly endsTask: boolean;
}

/** What holds for tasks that do not bring their own. */
interface TypeLimits {
  readonly attemptTimeoutMs: number;
  readonly softTimeoutMs: number | undefined;
}

interface Conditions {
  readonly nowMs: number;
  /** When the task must have ended. */
  readonly deadlineMs: number | undefined;
}

/** The limits of an attempt that starts now. */
export function attemptLimits(
  spec: Pick<TaskSpec, "attemptTimeout" | "attemptSoftTimeout"> | undefined,
  type: TypeLimits,
  { nowMs, deadlineMs = Number.POSITIVE_INFINITY }: Conditions,
): AttemptLimits {
  const ownMs = spec?.attemptTimeout ? durationMs(spec.attemptTimeout) : type.attemptTimeoutMs;
  const leftMs = Math.max(0, deadlineMs - nowMs);
  const hardMs = Math.min(ownMs, leftMs);
  const softMs = spec?.attemptSoftTimeout
    ? durationMs(spec.attemptSoftTimeout)
    : type.softTimeoutMs;
  return {
    // One that would come with the hard limit, or after it, says nothing.
    softMs: softMs !== undefined && softMs < hardMs ? softMs : undefined,
    hardMs,
    endsTask: leftMs <= ownMs,
  };
}
