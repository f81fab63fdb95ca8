import { expect, test } from "vitest";
import { markdownOf } from "../../../bench/report/markdown.ts";
import { reportOf, sampleOf } from "./made-up-report.ts";

test("a report shows each rival as a multiple of Millrace, and what each process cost", () => {
  const report = reportOf([sampleOf("millrace", 200), sampleOf("bullmq", 1_000)]);
  const text = markdownOf(report);
  expect(text).toContain("| millrace | 200 (200–200) | 50 (50–50) | 1 |");
  expect(text).toContain("| bullmq | 1,000 (1,000–1,000) · 5 × | 10 (10–10) · 0.2 × | 1 |");
  expect(text).toContain(
    "- millrace: CPU µs/task: client 10, worker 30; peak memory: client 1 MiB",
  );
  expect(text).toContain("All 100 tasks that were accepted ended, each once");
});

test("a report tells which rounds others disturbed, what was left out, and what went wrong", () => {
  const text = markdownOf(
    reportOf([sampleOf("millrace", 200, { othersShare: 0.5 })], {
      leftOut: [{ system: "celery", why: "there is no python3" }],
      checks: [{ system: "millrace", round: 2, accepted: 9, endedOnce: 8, wrong: "1 never ended" }],
    }),
  );
  expect(text).toContain("1; in 1 others used more than 5 % of the CPU");
  expect(text).toContain("Left out: celery. there is no python3");
  expect(text).toContain("## Completion: not exact");
  expect(text).toContain("- millrace, round 2: 1 never ended");
});

test("a figure that a system has none of is left open", () => {
  const [rate] = sampleOf("bullmq", 500).figures;
  const text = markdownOf(
    reportOf([sampleOf("millrace", 200), sampleOf("bullmq", 500, { figures: rate ? [rate] : [] })]),
  );
  expect(text).toContain("| bullmq | 500 (500–500) · 2.5 × | – | 1 |");
});
