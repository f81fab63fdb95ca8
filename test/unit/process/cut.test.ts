import { expect, test } from "vitest";
import { cut } from "#lib/process/cut.ts";

test("a text that fits stays as it is, to the last byte", () => {
  expect(cut("", 9)).toBe("");
  expect(cut("123456789", 9)).toBe("123456789");
  expect(cut("ééé€", 9)).toBe("ééé€");
});

test("a longer one ends with a mark, is within its bytes, and has no half characters", () => {
  expect(cut("1234567890", 9)).toBe("123456…");
  expect(cut("1234😀😀", 9)).toBe("1234…");
  expect(cut("x".repeat(5_000_000), 9)).toBe("xxxxxx…");
});

test("half a character becomes one that can be sent", () => {
  expect(cut("a\uD800b", 9)).toBe("a\uFFFDb");
});
