import type { Load } from "../client/load.ts";
import { latencyFigures, MIB, memoryFigures, rateAndCost } from "./figures.ts";
import type { Case, Figure, Measured, Size, Work } from "./work.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const IN_A_CALL = 1_000;

/** So that no part takes longer than callers are waited for. */
const CALLS_IN_A_PART = 20;

/** Much more than a task takes in the log, which is not to be so full that tasks leave it. */
const HISTORY_BYTES_A_TASK = 4_096;
const LEAST_HISTORY_BYTES = 2 ** 31;

/** Work 8: what a task costs when many others are remembered. */
export const growth: Work = {
  name: "growth",
  title: "Many tasks in the log",
  description:
    "The log is filled with no-op tasks without reports, 1,000 a call, and holds them all: MILLRACE_HISTORY_MAX_BYTES is as it " +
    "ships, or 4 KiB for each task if that is more. The tasks of warm-ups come on top. Then callers each run such a task, " +
    "watched, as soon as their last one is done. After that: memory that each process has, what the store takes on disk, and " +
    "how long one more gateway and one more worker take from their start until they are ready.",
  cases: (size, callers) => {
    const sizes = [...(size.tasks ?? SIZES)].sort((a, b) => a - b);
    return sizes.map((tasks, index) => ({
      ...caseOf(size, callers),
      name: `${tasks.toLocaleString("en-US")} tasks in the log`,
      fill: fillOf(tasks - (sizes[index - 1] ?? 0)),
      setup: { settings: settingsFor(Number(sizes.at(-1))) },
    }));
  },
  figures: (measured) => [
    ...rateAndCost(measured),
    ...latencyFigures(measured, "result"),
    ...memoryFigures(measured),
    ...grownFigures(measured),
  ],
};

function caseOf({ warmUpMs, measureMs }: Size, callers: number): Omit<Case, "name"> {
  const load = (forMs: number): Load => ({
    kind: "closed loop",
    callers,
    watched: true,
    task: { reports: 0 },
    forMs,
  });
  return { warmUp: load(warmUpMs), load: load(measureMs), examine: true, needs: ["scale"] };
}

/** Whole calls, the last one of which may go beyond the number. */
export function fillOf(tasks: number): readonly Load[] {
  const calls = Math.ceil(tasks / IN_A_CALL);
  const parts = Math.ceil(calls / CALLS_IN_A_PART);
  return Array.from({ length: parts }, (_, part) => ({
    kind: "bulk",
    size: IN_A_CALL,
    times: Math.min(CALLS_IN_A_PART, calls - part * CALLS_IN_A_PART),
    task: { reports: 0 },
  }));
}

function settingsFor(tasks: number): Readonly<Record<string, string>> {
  const bytes = Math.max(LEAST_HISTORY_BYTES, tasks * HISTORY_BYTES_A_TASK);
  return { MILLRACE_HISTORY_MAX_BYTES: String(bytes) };
}

function grownFigures({ grown }: Measured): readonly Figure[] {
  if (!grown) return [];
  const startUps = Object.entries(grown.startUpMs).map(
    ([role, ms]): Figure => ({ name: `${role} start ms`, value: ms, better: "less" }),
  );
  return [{ name: "disk MiB", value: grown.diskBytes / MIB, better: "less" }, ...startUps];
}
