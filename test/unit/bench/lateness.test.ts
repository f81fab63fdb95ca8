import { expect, test } from "vitest";
import { latenessOf } from "../../../bench/measure/lateness.ts";

test("a task is late by how long after its moment its handler began", () => {
  const { start, allEndedMs } = latenessOf({
    dueAtMs: new Map([
      ["a", 1_000],
      ["b", 3_000],
      ["c", 2_000],
    ]),
    startedAtMs: new Map([
      ["a", 1_005],
      ["b", 3_001],
      ["c", 2_050],
    ]),
    allEndedAtMs: 3_200,
  });
  expect(start).toEqual({ p50: 5, p99: 50, max: 50 });
  expect(allEndedMs).toBe(200);
});

test("of tasks that never started it says nothing", () => {
  const dueAtMs = new Map([["a", 1]]);
  const { start } = latenessOf({ dueAtMs, startedAtMs: new Map(), allEndedAtMs: 2 });
  expect(start.max).toBeNaN();
});
