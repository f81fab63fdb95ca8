import { expect, test } from "vitest";
import { errorMessage } from "#lib/task/error-message.ts";

test("an error is told by its message, and anything else that was thrown as it is", () => {
  expect(errorMessage(new Error("down"))).toBe("down");
  expect(errorMessage("down")).toBe("down");
  expect(errorMessage(undefined)).toBe("undefined");
});
