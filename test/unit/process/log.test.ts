import { expect, test } from "vitest";
import { harmless } from "#lib/process/log.ts";

test("nothing that a caller sent commands the terminal on which a service's log is read", () => {
  const reason = "none \u001b[2J\u009b31m\u202e\nerror: forged";
  const stack = `Error: ${reason}\n    at call`;
  const line = JSON.parse(harmless(JSON.stringify({ level: 30, reason, err: { stack } })));
  expect(line).toEqual({
    level: 30,
    reason: "none \\u001b[2J\\u009b31m\\u202e\\nerror: forged",
    err: {
      stack: "Error: none \\u001b[2J\\u009b31m\\u202e\nerror: forged\n    at call",
    },
  });
});
