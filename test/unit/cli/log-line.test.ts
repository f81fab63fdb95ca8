import { expect, test } from "vitest";
import { readLogLine } from "#cli/system/log-line.ts";

test("only warnings and errors are serious, and bring their cause", () => {
  expect(readLogLine('{"level":30,"msg":"starting"}').serious).toBeUndefined();
  expect(readLogLine('{"level":40,"msg":"no answer","err":{"message":"timeout"}}')).toEqual({
    serious: "warn",
    text: "no answer: timeout",
    isReason: true,
  });
  expect(readLogLine('{"level":60,"msg":"stopped"}').serious).toBe("error");
});

test("the reason of a warning is shown with it", () => {
  const line = '{"level":40,"reason":"connection refused","msg":"broker is not usable yet"}';
  expect(readLogLine(line).text).toBe("broker is not usable yet: connection refused");
});

test("of a stack trace, the error is the reason", () => {
  const trace = ["x.ts:1", "SyntaxError: no such thing", "    at compile", "", "Node.js v24"];
  expect(trace.map(readLogLine).filter(({ isReason }) => isReason)).toEqual([
    { serious: "error", text: "SyntaxError: no such thing", isReason: true },
  ]);
});
