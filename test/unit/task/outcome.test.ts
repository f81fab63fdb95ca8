import { expect, test } from "vitest";
import { PermanentError, TransientError } from "#lib/task/handler-errors.ts";
import { AttemptStopped, outcomeOfError, outcomeOfStop } from "#lib/task/outcome.ts";

test("only a permanent error is not worth another attempt", () => {
  expect(outcomeOfError(new PermanentError("gone", { code: "HTTP_STATUS" }))).toEqual({
    kind: "failed",
    code: "HTTP_STATUS",
    message: "gone",
  });
  expect(outcomeOfError(new TransientError("busy", { code: "BUSY" }))).toEqual({
    kind: "retry",
    code: "BUSY",
    message: "busy",
  });
  expect(outcomeOfError(new Error("oops"))).toEqual({
    kind: "retry",
    code: "HANDLER_ERROR",
    message: "oops",
  });
});

test("errors without a code, without a message and of no class are told all the same", () => {
  expect(outcomeOfError(new PermanentError("x"))).toMatchObject({ code: "HANDLER_ERROR" });
  expect(outcomeOfError(new TransientError("x"))).toMatchObject({ code: "HANDLER_ERROR" });
  expect(outcomeOfError(new TypeError())).toMatchObject({ message: "TypeError" });
  expect(outcomeOfError("just text")).toMatchObject({ message: "just text" });
});

test("a message of any length fits into the log", () => {
  expect(outcomeOfError(new Error("x".repeat(100_000)))).toMatchObject({
    message: "x".repeat(4_000),
  });
});

test("why an attempt was stopped says how it ended", () => {
  const stopped = (why: AttemptStopped["why"]) => outcomeOfStop(new AttemptStopped(why, "told so"));
  expect(stopped("canceled")).toEqual({ kind: "canceled" });
  expect(stopped("leaving")).toEqual({ kind: "interrupted" });
  expect(stopped("timed out")).toEqual({
    kind: "timed out",
    code: "ATTEMPT_TIMEOUT",
    message: "told so",
  });
});
