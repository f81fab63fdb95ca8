import { expect, test } from "vitest";
import { recoveryOf } from "../../../bench/measure/recovery.ts";

const KILLED_AT_MS = 10_000;

/** One end every 10 ms. */
const steady = (fromMs: number, toMs: number) =>
  Array.from({ length: (toMs - fromMs) / 10 }, (_, index) => fromMs + index * 10);

const seen = (endedAtMs: readonly number[]) =>
  recoveryOf({ endedAtMs, killedAtMs: KILLED_AT_MS, beforeMs: 3_000 });

test("a system is back with the first second in which enough tasks end", () => {
  const { tasksPerSecondBefore, backMs, longestPauseMs } = seen([
    ...steady(7_000, 10_000),
    ...steady(12_000, 20_000),
  ]);
  expect(tasksPerSecondBefore).toBe(100);
  // 90 of the 100 tasks of a second end in the one from 11.9 s on.
  expect(backMs).toBe(1_900);
  expect(longestPauseMs).toBe(2_000);
});

test("a kill that nobody notices takes no time", () => {
  expect(seen(steady(7_000, 20_000))).toMatchObject({ backMs: 0, longestPauseMs: 10 });
});

test("a system that stays slower is not back", () => {
  const slower = steady(10_000, 20_000).filter((_, index) => index % 2 === 0);
  expect(seen([...steady(7_000, 10_000), ...slower]).backMs).toBeUndefined();
  expect(seen(steady(7_000, 10_000)).backMs).toBeUndefined();
});

test("callers are told ends in no order", () => {
  const told = [...steady(7_000, 10_000), ...steady(11_000, 20_000)].reverse();
  expect(seen(told).longestPauseMs).toBe(1_000);
});
