import { expect, test } from "vitest";
import { tallyOf, wrongIn } from "../../../bench/measure/tally.ts";

test("nothing is wrong if each accepted task ended once", () => {
  const tally = tallyOf(
    ["a", "b"],
    new Map([
      ["a", 1],
      ["b", 1],
    ]),
  );
  expect(tally).toMatchObject({ accepted: 2, endedOnce: 2 });
  expect(wrongIn(tally)).toBeUndefined();
});

test("tasks that are lost, ended twice or came from nowhere are named", () => {
  const tally = tallyOf(
    ["lost", "twice"],
    new Map([
      ["twice", 2],
      ["stray", 1],
    ]),
  );
  expect(tally.endedOnce).toBe(0);
  expect(wrongIn(tally)).toBe(
    "1 never ended (lost); 1 ended more than once (twice); 1 ended without having been accepted (stray)",
  );
});

test("a system that accepted nothing is no success", () => {
  expect(wrongIn(tallyOf([], new Map()))).toBe("no task was accepted");
});

test("of many lost tasks only the first are named", () => {
  const many = Array.from({ length: 30 }, (_, index) => `t${index}`);
  expect(wrongIn(tallyOf(many, new Map()))).toMatch(/^30 never ended \(t0, .*, t9, …\)$/);
});

test("a full store may forget what has ended, and nothing else", () => {
  const tally = tallyOf(["left", "ended", "lost"], new Map([["ended", 1]]), new Set(["lost"]));
  expect(tally).toMatchObject({ accepted: 3, endedOnce: 1, forgotten: 1, lost: ["lost"] });
});
