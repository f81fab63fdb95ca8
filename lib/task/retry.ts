import { create } from "@bufbuild/protobuf";
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import {
  type RetryPolicy as RetryPolicyMessage,
  RetryPolicySchema,
} from "#gen/millrace/v1/task_pb.ts";

/** When a failed attempt is followed by another; see RetryPolicy in task.proto. */
export interface RetryPolicy {
  /** Failed attempts allowed in all, the first included. */
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /** Share of the delay that is random, 0 to 1. */
  readonly jitter: number;
  /** Codes of errors that end the task at once, whatever its handler says of them. */
  readonly nonRetryableCodes: readonly string[];
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 3,
  initialBackoffMs: 1_000,
  maxBackoffMs: 300_000,
  backoffMultiplier: 2,
  jitter: 0.2,
  nonRetryableCodes: [],
};

/** Delay between the given failure (from 1) and the next attempt. */
export function retryDelayMs(
  policy: RetryPolicy,
  failures: number,
  random: () => number = Math.random,
): number {
  const grown = policy.initialBackoffMs * policy.backoffMultiplier ** (failures - 1);
  const full = Math.min(policy.maxBackoffMs, grown);
  return Math.round(full * (1 - policy.jitter * random()));
}

export function mayRetry(policy: RetryPolicy, failures: number): boolean {
  return failures < policy.maxAttempts;
}

export function isRetryable(policy: RetryPolicy, code: string): boolean {
  return !policy.nonRetryableCodes.includes(code);
}

/** The policy in force for a task that brings its own, or a part of one. */
export function overridden(policy: RetryPolicy, own: RetryPolicyMessage | undefined): RetryPolicy {
  return {
    maxAttempts: own?.maxAttempts ?? policy.maxAttempts,
    initialBackoffMs: own?.initialBackoff
      ? durationMs(own.initialBackoff)
      : policy.initialBackoffMs,
    maxBackoffMs: own?.maxBackoff ? durationMs(own.maxBackoff) : policy.maxBackoffMs,
    backoffMultiplier: own?.backoffMultiplier ?? policy.backoffMultiplier,
    jitter: own?.jitter ?? policy.jitter,
    nonRetryableCodes: own?.nonRetryableCodes.length
      ? own.nonRetryableCodes
      : policy.nonRetryableCodes,
  };
}

export function retryPolicyMessage(policy: RetryPolicy): RetryPolicyMessage {
  return create(RetryPolicySchema, {
    maxAttempts: policy.maxAttempts,
    initialBackoff: durationFromMs(policy.initialBackoffMs),
    maxBackoff: durationFromMs(policy.maxBackoffMs),
    backoffMultiplier: policy.backoffMultiplier,
    jitter: policy.jitter,
    nonRetryableCodes: [...policy.nonRetryableCodes],
  });
}
