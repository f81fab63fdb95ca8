import { expect, test } from "vitest";
import type { Load } from "../../../bench/client/load.ts";
import { FORMS } from "../../../bench/plan.ts";
import { firstWarmUp, warmUpsOf } from "../../../bench/works/warm-ups.ts";

const first = firstWarmUp(FORMS.full, 64);
const own: Load = { kind: "bulk", size: 10, times: 1, task: { reports: 0 } };
const load: Load = { ...own, times: 2 };

test("the first case of a session is warmed up for longer than any other", () => {
  expect(warmUpsOf({ name: "bulk", warmUp: own, load }, first)).toEqual([first, own]);
  expect(warmUpsOf({ name: "bulk", warmUp: own, load }, undefined)).toEqual([own]);
  expect(first).toMatchObject({ forMs: FORMS.full.firstWarmUpMs, callers: 64 });
});

test("a case without a warm-up of its own is not measured cold either", () => {
  expect(warmUpsOf({ name: "reports", load }, first)).toEqual([first]);
});

test("a store is filled by a system that is warm", () => {
  const fill: readonly Load[] = [{ ...own, times: 3 }];
  expect(warmUpsOf({ name: "growth", fill, warmUp: own, load }, first)).toEqual([
    first,
    ...fill,
    own,
  ]);
});

test("a system that is to be left alone, or measured from its start, is not called before", () => {
  expect(warmUpsOf({ name: "idle" }, first)).toEqual([]);
  expect(warmUpsOf({ name: "watches", load, fromFreshStart: true }, first)).toEqual([]);
});
