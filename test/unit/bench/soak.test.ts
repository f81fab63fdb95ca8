import { expect, test } from "vitest";
import { FORMS } from "../../../bench/plan.ts";
import { minutesOf, soak } from "../../../bench/works/soak.ts";

test("a soak is told minute by minute, the last of which may be shorter", () => {
  expect(minutesOf(150_000)).toEqual([60_000, 60_000, 30_000]);
  expect(minutesOf(60_000)).toEqual([60_000]);
  expect(minutesOf(3_000)).toEqual([3_000]);
});

test("only the first minute is warmed up for", () => {
  const cases = soak.cases({ ...FORMS.full, measureMs: 120_000 }, 64);
  expect(cases.map(({ warmUp }) => warmUp !== undefined)).toEqual([true, false]);
});
