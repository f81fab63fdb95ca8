import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { RetryPolicySchema } from "#gen/millrace/v1/task_pb.ts";
import {
  DEFAULT_RETRY_POLICY,
  isRetryable,
  mayRetry,
  overridden,
  retryDelayMs,
  retryPolicyMessage,
} from "#lib/task/retry.ts";

const POLICY = { ...DEFAULT_RETRY_POLICY, maxBackoffMs: 10_000 };

test("the delay doubles with every failure, up to its bound", () => {
  const delays = [1, 2, 3, 4, 5, 50].map((failures) => retryDelayMs(POLICY, failures, () => 0));
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test("jitter takes up to its share off the delay", () => {
  expect(retryDelayMs(POLICY, 1, () => 1)).toBe(800);
  expect(retryDelayMs({ ...POLICY, jitter: 1 }, 1, () => 1)).toBe(0);
  expect(retryDelayMs({ ...POLICY, jitter: 0 }, 1, () => 1)).toBe(1_000);
});

test("without a given chance the delay is within the jitter", () => {
  const delay = retryDelayMs(POLICY, 1);
  expect(delay).toBeGreaterThanOrEqual(800);
  expect(delay).toBeLessThanOrEqual(1_000);
});

test("as many failures as the policy allows end the retries", () => {
  expect(mayRetry(POLICY, 2)).toBe(true);
  expect(mayRetry(POLICY, 3)).toBe(false);
});

test("a task that brings no policy gets its type's", () => {
  expect(overridden(POLICY, undefined)).toEqual(POLICY);
  expect(overridden(POLICY, create(RetryPolicySchema))).toEqual(POLICY);
});

test("a task overrides its type's policy field by field, also with zero", () => {
  const own = create(RetryPolicySchema, {
    maxAttempts: 7,
    initialBackoff: durationFromMs(250),
    maxBackoff: durationFromMs(500),
    backoffMultiplier: 1,
    jitter: 0,
    nonRetryableCodes: ["GONE"],
  });
  expect(overridden(POLICY, own)).toEqual({
    maxAttempts: 7,
    initialBackoffMs: 250,
    maxBackoffMs: 500,
    backoffMultiplier: 1,
    jitter: 0,
    nonRetryableCodes: ["GONE"],
  });
});

test("a task's own list of codes that are not retried replaces its type's, unless it is empty", () => {
  const type = { ...POLICY, nonRetryableCodes: ["BROKEN"] };
  const own = create(RetryPolicySchema, { nonRetryableCodes: ["GONE"] });
  expect(isRetryable(overridden(type, own), "BROKEN")).toBe(true);
  expect(isRetryable(overridden(type, own), "GONE")).toBe(false);
  expect(isRetryable(overridden(type, create(RetryPolicySchema)), "BROKEN")).toBe(false);
});

test("a policy survives being announced", () => {
  expect(overridden(DEFAULT_RETRY_POLICY, retryPolicyMessage(POLICY))).toEqual(POLICY);
});
