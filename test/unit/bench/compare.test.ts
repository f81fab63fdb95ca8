import { expect, test } from "vitest";
import { changesBetween, comparisonText } from "../../../bench/report/compare.ts";
import { reportOf, sampleOf } from "./made-up-report.ts";

const rates = (...all: readonly number[]) =>
  reportOf(all.map((rate) => sampleOf("millrace", rate)));

test("worse is fewer tasks and longer waits", () => {
  const [rate, wait] = changesBetween(rates(200), rates(100));
  expect(rate).toMatchObject({ figure: "tasks/s", was: 200, is: 100, worse: 0.5 });
  expect(wait).toMatchObject({ figure: "result p99 ms", was: 50, is: 100, worse: 1 });
});

test("it is certain only if no round of now is as good as one of then", () => {
  const [apart] = changesBetween(rates(190, 200, 210), rates(150, 160, 170));
  const [overlapping] = changesBetween(rates(160, 200, 210), rates(150, 160, 190));
  expect(apart?.certain).toBe(true);
  expect(overlapping?.certain).toBe(false);
});

test("what got slower is told, the worst first, and what did not is left out", () => {
  const [head, ...lines] = comparisonText(rates(200), rates(100));
  expect(head).toContain("2 figures compared");
  expect(lines).toEqual([
    "millrace · run: watched: result p99 ms 50 → 100, worse by 100 %",
    "millrace · run: watched: tasks/s 200 → 100, worse by 50 %",
  ]);
  expect(comparisonText(rates(200), rates(210)).slice(1)).toEqual([
    "none is worse by more than 5 %",
  ]);
});

test("another machine is told, and a report of another format is refused", () => {
  const { machine } = rates(1);
  const elsewhere = reportOf([sampleOf("millrace", 200)], { machine: { ...machine, cores: 64 } });
  expect(comparisonText(elsewhere, rates(200))[1]).toContain("another machine (64 × Fast)");
  expect(() => changesBetween({ ...rates(1), format: 99 }, rates(1))).toThrow("format 99");
});
