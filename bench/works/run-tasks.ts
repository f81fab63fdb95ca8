import type { Load } from "../client/load.ts";
import { latencyFigures, rateAndCost } from "./figures.ts";
import type { Case, Size, Work } from "./work.ts";

/** Work 1: what a task costs, and how many a system does. */
export const runTasks: Work = {
  name: "run",
  title: "Tasks to their end",
  description:
    "Callers each ask for a no-op task as soon as their last one is done. Watched: a caller is told every report and the " +
    "result before it asks for the next. Unwatched: it asks for the next once its task is accepted, and the clock stops " +
    "when all have ended.",
  cases: (size, callers) =>
    [true, false].flatMap((watched) =>
      [4, 0].map((reports) => caseOf({ watched, reports, callers }, size)),
    ),
  figures: (measured) => [...rateAndCost(measured), ...latencyFigures(measured, "result")],
};

/** The case that others are made of: watched, with four reports. */
export function watchedTasks(size: Size, callers: number): Case {
  return caseOf({ watched: true, reports: 4, callers }, size);
}

interface Variant {
  readonly watched: boolean;
  readonly reports: number;
  readonly callers: number;
}

function caseOf({ watched, reports, callers }: Variant, { warmUpMs, measureMs }: Size): Case {
  const load = (forMs: number): Load => ({
    kind: "closed loop",
    callers,
    watched,
    task: { reports },
    forMs,
  });
  return {
    name: `${watched ? "watched" : "unwatched"}, ${reports} reports`,
    warmUp: load(warmUpMs),
    load: load(measureMs),
    untilDone: !watched,
  };
}
