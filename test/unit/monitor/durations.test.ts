import { expect, test } from "vitest";
import { Buckets } from "../../../services/monitor/fold/buckets.ts";
import { Durations } from "../../../services/monitor/fold/durations.ts";

test("nothing observed is all zero", () => {
  const none = { count: 0, p50Seconds: 0, p95Seconds: 0, p99Seconds: 0, maxSeconds: 0 };
  expect(new Durations().figures()).toEqual(none);
});

test("percentiles are durations that were observed", () => {
  const durations = new Durations();
  for (let seconds = 100; seconds >= 1; seconds -= 1) durations.observe(seconds);
  expect(durations.figures()).toEqual({
    count: 100,
    p50Seconds: 50,
    p95Seconds: 95,
    p99Seconds: 99,
    maxSeconds: 100,
  });
});

test("only the last 1,000 count", () => {
  const durations = new Durations();
  for (let times = 0; times < 500; times += 1) durations.observe(60);
  for (let times = 0; times < 1_000; times += 1) durations.observe(1);
  expect(durations.figures()).toMatchObject({ count: 1_000, maxSeconds: 1 });
});

test("a bucket holds what is not above its bound, and those below it", () => {
  const buckets = new Buckets([1, 10]);
  for (const seconds of [0.5, 1, 2, 10, 11]) buckets.observe(seconds);
  expect(buckets.cumulative()).toEqual([
    { bound: 1, count: 2 },
    { bound: 10, count: 4 },
  ]);
  expect(buckets.count).toBe(5);
  expect(buckets.sum).toBe(24.5);
});
