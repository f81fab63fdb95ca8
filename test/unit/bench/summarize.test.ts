import { expect, test } from "vitest";
import { summariesOf } from "../../../bench/report/summarize.ts";
import { sampleOf } from "./made-up-report.ts";

test("a case is summed up by the medians of its rounds, for each system by itself", () => {
  const samples = [100, 300, 200].map((rate) => sampleOf("millrace", rate));
  const [ours, theirs] = summariesOf({ samples: [...samples, sampleOf("bullmq", 500)] });
  expect(ours).toMatchObject({
    system: "millrace",
    counted: 3,
    noisy: 0,
    cpuMicrosPerTask: { client: 10, worker: 30 },
    trafficPerTask: { "messages stored": 8 },
  });
  expect(ours?.figures[0]).toMatchObject({ name: "tasks/s", median: 200, least: 100, most: 300 });
  expect(theirs?.figures[0]).toMatchObject({ median: 500 });
});

test("rounds in which others used the CPU do not count, if three quiet ones are left", () => {
  const noisy = sampleOf("millrace", 10, { othersShare: 0.4 });
  const quiet = [100, 200, 300].map((rate) => sampleOf("millrace", rate));
  const [summary] = summariesOf({ samples: [noisy, ...quiet] });
  expect(summary).toMatchObject({ counted: 3, noisy: 1 });
  expect(summary?.figures[0]).toMatchObject({ median: 200, least: 100 });
  const [few] = summariesOf({ samples: [noisy, ...quiet.slice(1)] });
  expect(few).toMatchObject({ counted: 3, noisy: 1 });
  expect(few?.figures[0]).toMatchObject({ least: 10 });
});

test("where no tasks were done, nothing is said of a task", () => {
  const [summary] = summariesOf({ samples: [sampleOf("millrace", 1, { tasks: 0 })] });
  expect(summary).toMatchObject({ cpuMicrosPerTask: {}, trafficPerTask: {} });
});
