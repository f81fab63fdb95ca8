import { expect, test } from "vitest";
import { dueTimes } from "../../../bench/client/due-times.ts";

test.each([1, 10, 1_000, 7_919, 20_000])(
  "%i tasks are spread evenly, each with its own moment",
  (tasks) => {
    const times = dueTimes({ tasks, firstAtMs: 500, withinMs: tasks * 10 });
    const sorted = [...times].sort((a, b) => a - b);
    expect(sorted).toEqual(Array.from({ length: tasks }, (_, index) => 500 + index * 10));
  },
);

test("the moments come in no order", () => {
  const times = dueTimes({ tasks: 10_000, firstAtMs: 0, withinMs: 60_000 });
  const later = times.filter((time, index) => time > (times[index - 1] ?? 0));
  expect(later.length).toBeLessThan(9_000);
});
