import { expect, test } from "vitest";
import { longestMs, type Standing, standing } from "../../../services/worker/standstill.ts";

/** How long something stands after looks, 5 s apart, at which these were the heads. */
function standsMs(...looks: Record<string, number>[]): number {
  let now: Standing = new Map();
  for (const heads of looks) now = standing(now, new Map(Object.entries(heads)), 5_000);
  return longestMs(now);
}

test("a head stands for as long as it was the same, look after look", () => {
  expect(standsMs({ p0: 7 })).toBe(0);
  expect(standsMs({ p0: 7 }, { p0: 7 }, { p0: 7 }, { p0: 7 })).toBe(15_000);
});

test("a head that moves on, or is gone for one look, begins anew", () => {
  expect(standsMs({ p0: 7 }, { p0: 7 }, { p0: 8 })).toBe(0);
  expect(standsMs({ p0: 7 }, { p0: 7 }, {}, { p0: 7 }, { p0: 7 })).toBe(5_000);
});

test("one level stands still though another one moves", () => {
  expect(standsMs({ p0: 1, p3: 9 }, { p0: 2, p3: 9 }, { p0: 3, p3: 9 })).toBe(10_000);
  expect(standsMs({ p0: 1 }, {})).toBe(0);
});
