import { expect, test } from "vitest";
import { FORMS } from "../../../bench/plan.ts";
import { fillOf, growth } from "../../../bench/works/growth.ts";

const tasksIn = (loads: ReturnType<typeof fillOf>) =>
  loads.reduce((sum, load) => sum + (load.kind === "bulk" ? load.size * load.times : 0), 0);

test("the log is filled in parts, none too long to be waited for", () => {
  expect(tasksIn(fillOf(1_000_000))).toBe(1_000_000);
  expect(fillOf(50_000).map((load) => load.kind === "bulk" && load.times)).toEqual([20, 20, 10]);
  expect(tasksIn(fillOf(1))).toBe(1_000);
  expect(fillOf(0)).toEqual([]);
});

test("the log grows from size to size, with room for the largest from the start", () => {
  const cases = growth.cases({ ...FORMS.full, tasks: [1_000_000, 10_000] }, 64);
  expect(cases.map(({ name }) => name)).toEqual([
    "10,000 tasks in the log",
    "1,000,000 tasks in the log",
  ]);
  expect(cases.map(({ fill }) => tasksIn(fill ?? []))).toEqual([10_000, 990_000]);
  const settings = cases.map(({ setup }) => setup?.settings?.["MILLRACE_HISTORY_MAX_BYTES"]);
  expect(settings).toEqual(["4096000000", "4096000000"]);
});
