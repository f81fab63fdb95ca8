import { expect, test } from "vitest";
import { latencyOf, median, quantile, spreadOf } from "../../../bench/measure/statistics.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test("a quantile is a value that was seen, in whatever order they came", () => {
  expect(quantile(hundred, 0.5)).toBe(50);
  expect(quantile(hundred, 0.99)).toBe(99);
  expect(quantile(hundred, 1)).toBe(100);
  expect(quantile(hundred, 0)).toBe(1);
  expect(quantile([7], 0.99)).toBe(7);
});

test("the median of an even number is between the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

test("what was never seen is no number", () => {
  expect(quantile([], 0.5)).toBeNaN();
  expect(median([])).toBeNaN();
});

test("a spread is the median with the least and the most", () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, least: 1, most: 5 });
  expect(latencyOf(hundred)).toEqual({ p50: 50, p99: 99, max: 100 });
});
