import { type Spread, spreadOf } from "../measure/statistics.ts";
import type { Figure } from "../works/work.ts";
import type { Report, Sample } from "./report.ts";

/** Above this share of the machine's CPU for others, a round does not count, if enough others do. */
export const NOISY_SHARE = 0.05;

/** Fewer quiet rounds than this say less than all rounds do. */
const QUIET_ROUNDS_WANTED = 3;

/** What a case gave for one system, over its rounds. */
export interface Summary {
  readonly work: string;
  readonly case: string;
  readonly system: string;
  readonly figures: readonly (Pick<Figure, "name" | "better"> & Spread)[];
  /** CPU time of a task by role, in microseconds; empty where no tasks were done. */
  readonly cpuMicrosPerTask: Readonly<Record<string, number>>;
  readonly peakBytes: Readonly<Record<string, number>>;
  readonly trafficPerTask: Readonly<Record<string, number>>;
  /** Rounds that the figures are of. */
  readonly counted: number;
  /** Rounds in which others used much of the CPU. */
  readonly noisy: number;
}

/** One for each case and system that was measured, in the order in which they were. */
export function summariesOf({ samples }: Pick<Report, "samples">): readonly Summary[] {
  const groups = Map.groupBy(samples, (sample) =>
    JSON.stringify([sample.work, sample.case, sample.system]),
  );
  return [...groups.values()].map(summaryOf);
}

function summaryOf(all: readonly Sample[]): Summary {
  const [first] = all;
  if (!first) throw new Error("a case without samples");
  const quiet = all.filter(({ othersShare }) => othersShare <= NOISY_SHARE);
  const counted = quiet.length >= QUIET_ROUNDS_WANTED ? quiet : all;
  return {
    work: first.work,
    case: first.case,
    system: first.system,
    figures: spreadsOf(counted.flatMap(({ figures }) => figures)),
    cpuMicrosPerTask: medians(counted, ({ cpuMicros, tasks }) => per(tasks, cpuMicros)),
    peakBytes: medians(counted, ({ peakBytes }) => peakBytes),
    trafficPerTask: medians(counted, ({ traffic, tasks }) => per(tasks, traffic)),
    counted: counted.length,
    noisy: all.length - quiet.length,
  };
}

/** Of each figure by its name; a round need not have all. */
function spreadsOf(figures: readonly Figure[]): Summary["figures"] {
  return [...Map.groupBy(figures, ({ name }) => name)].map(([name, all]) => ({
    name,
    better: all[0]?.better ?? "less",
    ...spreadOf(all.map(({ value }) => value)),
  }));
}

type Numbers = Readonly<Record<string, number>>;

function per(tasks: number, values: Numbers): Numbers {
  if (tasks === 0) return {};
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value / tasks]));
}

/** Of each value by its name. */
function medians(samples: readonly Sample[], valuesOf: (sample: Sample) => Numbers): Numbers {
  const all = samples.map(valuesOf);
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, spreadOf(all.map((values) => values[name] ?? 0)).median]),
  );
}
