import { expect, test } from "vitest";
import { bearsLabels } from "#lib/task/labels.ts";

test("a task bears labels when it has all of them with the same values, whatever else it has", () => {
  const labels = { team: "water", size: "l" };
  expect(bearsLabels(labels, {})).toBe(true);
  expect(bearsLabels(labels, { team: "water" })).toBe(true);
  expect(bearsLabels(labels, { team: "water", size: "s" })).toBe(false);
  expect(bearsLabels(labels, { team: "water", color: "blue" })).toBe(false);
  expect(bearsLabels({}, { constructor: "x" })).toBe(false);
});
