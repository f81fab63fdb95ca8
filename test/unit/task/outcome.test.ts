import { create, type JsonObject } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";
import {
  AttemptStopped,
  endOfError,
  type HandlerEnd,
  outcomeOf,
  supersedes,
} from "#lib/task/outcome.ts";

test("only a permanent error is not worth another attempt", () => {
  expect(endOfError(new PermanentError("gone", { code: "HTTP_STATUS" }))).toEqual({
    kind: "failed",
    code: "HTTP_STATUS",
    message: "gone",
  });
  expect(endOfError(new TransientError("busy", { code: "BUSY" }))).toEqual({
    kind: "retry",
    code: "BUSY",
    message: "busy",
  });
  expect(endOfError(new Error("oops"))).toEqual({
    kind: "retry",
    code: "HANDLER_ERROR",
    message: "oops",
  });
});

test("errors without a code, without a message and of no class are told all the same", () => {
  expect(endOfError(new PermanentError("x"))).toMatchObject({ code: "HANDLER_ERROR" });
  expect(endOfError(new TransientError("x"))).toMatchObject({ code: "HANDLER_ERROR" });
  expect(endOfError(new TypeError())).toMatchObject({ message: "TypeError" });
  expect(endOfError("just text")).toMatchObject({ message: "just text" });
});

test("a message of any length fits into the log", () => {
  expect(endOfError(new Error("x".repeat(100_000)))).toMatchObject({
    message: "x".repeat(4_000),
  });
});

test("a code is a text, of 128 characters at most", () => {
  const codeOf = (code: unknown) => {
    const end = endOfError(new PermanentError("x", { code: code as string }));
    return end.kind === "failed" && end.code;
  };
  expect(codeOf("X".repeat(2_000_000))).toBe("X".repeat(128));
  expect([codeOf(404), codeOf(""), codeOf(null)]).toEqual(Array(3).fill("HANDLER_ERROR"));
});

/** An object within an object, so deep. */
function nested(levels: number): JsonObject {
  return levels === 1 ? { n: 1 } : { in: nested(levels - 1) };
}

test.each([PermanentError, TransientError])(
  "details of a %o are told as they are, within 8 KiB",
  (Kind) => {
    const detailsOf = (details: unknown) => {
      const end = endOfError(new Kind("x", { details: details as JsonObject }));
      return end.kind !== "succeeded" && end.details;
    };
    expect(detailsOf({ status: 503, of: ["a", null] })).toEqual({ status: 503, of: ["a", null] });
    expect(detailsOf(undefined)).toBeUndefined();
    const large = { page: "x".repeat(10_000) };
    expect(detailsOf(large)).toEqual({ omitted: "10011 bytes; 8192 are allowed" });
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    for (const none of ["text", [1], { n: Number.NaN }, { f() {} }, loop]) {
      expect(detailsOf(none)).toEqual({
        omitted: expect.stringMatching(/^they are no JSON object/),
      });
    }
    expect(detailsOf(nested(30))).toEqual(nested(30));
    expect(detailsOf(nested(31))).toEqual({ omitted: "nested deeper than 30 levels" });
  },
);

test("a handler may say when the next attempt is worth it, within a day", () => {
  const asked = (retryAfterMs?: number) =>
    endOfError(new TransientError("busy", retryAfterMs === undefined ? {} : { retryAfterMs }));
  expect(asked(1_500)).toMatchObject({ retryAfterMs: 1_500 });
  expect(asked(0)).toMatchObject({ retryAfterMs: 0 });
  expect(asked(-5)).toMatchObject({ retryAfterMs: 0 });
  expect(asked(99 * 3_600_000)).toMatchObject({ retryAfterMs: 24 * 3_600_000 });
  expect(asked(Number.NaN)).not.toHaveProperty("retryAfterMs");
  expect(asked("Wed, 21 Oct" as never)).not.toHaveProperty("retryAfterMs");
  expect(asked(Number.POSITIVE_INFINITY)).toMatchObject({ retryAfterMs: 24 * 3_600_000 });
  expect(asked()).not.toHaveProperty("retryAfterMs");
  for (const set of [Number.NaN, "Wed, 21 Oct", {}]) {
    const error = Object.assign(new TransientError("busy"), { retryAfterMs: set });
    expect(endOfError(error)).not.toHaveProperty("retryAfterMs");
  }
});

const RETURNED: HandlerEnd = { kind: "succeeded", output: create(AnySchema) };
const THREW: HandlerEnd = { kind: "failed", code: "BROKEN", message: "broke" };

function stopped(why: AttemptStopped["why"]): AttemptStopped {
  return new AttemptStopped(why, "told so");
}

test("an attempt of which an error came that nobody awaits ended with that", () => {
  expect(outcomeOf(THREW, stopped("failed"))).toBe(THREW);
});

test("an attempt that nobody stopped ended as its handler did", () => {
  expect(outcomeOf(RETURNED, undefined)).toBe(RETURNED);
  expect(outcomeOf(THREW, undefined)).toBe(THREW);
  expect(outcomeOf(undefined, undefined)).toEqual({ kind: "interrupted" });
});

test("after a soft timeout, and on a worker that leaves, what a handler returns still counts", () => {
  expect(outcomeOf(RETURNED, stopped("soft timeout"))).toBe(RETURNED);
  expect(outcomeOf(RETURNED, stopped("leaving"))).toBe(RETURNED);
  expect(outcomeOf(THREW, stopped("leaving"))).toEqual({ kind: "interrupted" });
  const timedOut = { kind: "timed out", code: "ATTEMPT_TIMEOUT", message: "told so" };
  expect(outcomeOf(THREW, stopped("soft timeout"))).toEqual(timedOut);
  expect(outcomeOf(undefined, stopped("soft timeout"))).toEqual(timedOut);
});

test("after any other stop, the stop says how it ended", () => {
  for (const end of [RETURNED, THREW, undefined]) {
    expect(outcomeOf(end, stopped("canceled"))).toEqual({ kind: "canceled" });
    expect(outcomeOf(end, stopped("timed out"))).toEqual({
      kind: "timed out",
      code: "ATTEMPT_TIMEOUT",
      message: "told so",
    });
    expect(outcomeOf(end, stopped("task timed out"))).toEqual({
      kind: "failed",
      code: "TASK_TIMEOUT",
      message: "told so",
    });
  }
});

test("the first stop counts, but for a soft one, and for a cancel, which counts at any time", () => {
  expect(supersedes(stopped("leaving"), undefined)).toBe(true);
  expect(supersedes(stopped("timed out"), stopped("soft timeout"))).toBe(true);
  expect(supersedes(stopped("soft timeout"), stopped("soft timeout"))).toBe(false);
  expect(supersedes(stopped("timed out"), stopped("leaving"))).toBe(false);
  expect(supersedes(stopped("canceled"), stopped("timed out"))).toBe(true);
  expect(supersedes(stopped("canceled"), stopped("canceled"))).toBe(false);
});

test("whatever a handler throws becomes an error of its task", () => {
  const message = "what was thrown can't be shown";
  expect(endOfError(Object.create(null))).toEqual({
    kind: "retry",
    code: "HANDLER_ERROR",
    message,
  });
  const odd = Object.assign(new Error(), { message: { status: 503 } });
  expect(endOfError(odd)).toMatchObject({ kind: "retry", message: "[object Object]" });
  expect(endOfError(undefined)).toMatchObject({ kind: "retry", message: "undefined" });
  const trap = () => {
    throw new Error("no");
  };
  const unreadable = { kind: "retry", code: "HANDLER_ERROR", message };
  expect(endOfError(new Proxy({}, { getPrototypeOf: trap }))).toEqual(unreadable);
  expect(endOfError(Object.defineProperty(new Error(), "message", { get: trap }))).toEqual(
    unreadable,
  );
  expect(endOfError(Object.defineProperty(new PermanentError("x"), "code", { get: trap }))).toEqual(
    unreadable,
  );
});
