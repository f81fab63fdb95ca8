import type { Report, Sample } from "../../../bench/report/report.ts";

/** A round of work "run" with these figures. */
export function sampleOf(
  system: string,
  tasksPerSecond: number,
  given: Partial<Sample> = {},
): Sample {
  return {
    work: "run",
    case: "watched",
    system,
    round: 1,
    tasks: 100,
    seconds: 1,
    figures: [
      { name: "tasks/s", value: tasksPerSecond, better: "more" },
      { name: "result p99 ms", value: 10_000 / tasksPerSecond, better: "less" },
    ],
    cpuMicros: { client: 1_000, worker: 3_000 },
    peakBytes: { client: 2 ** 20 },
    traffic: { "messages stored": 800 },
    othersShare: 0,
    ...given,
  };
}

export function reportOf(samples: readonly Sample[], given: Partial<Report> = {}): Report {
  return {
    format: 1,
    beganAt: "2026-11-29T10:00:00.000Z",
    commit: "abc1234",
    form: "full",
    rounds: samples.length,
    callers: 64,
    settings: {},
    machine: {
      cpu: "Fast",
      cores: 2,
      memoryBytes: 2 ** 34,
      kernel: "6",
      node: "v24",
      disk: "ext4",
    },
    systems: [],
    leftOut: [],
    works: [{ name: "run", title: "Tasks to their end", description: "What is done." }],
    samples,
    checks: [{ system: "millrace", round: 1, accepted: 100, endedOnce: 100 }],
    ...given,
  };
}
