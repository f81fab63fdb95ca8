import type { Load } from "../client/load.ts";
import { rateAndCost } from "./figures.ts";
import type { Case, Figure, Measured, Work } from "./work.ts";

const TASKS = [100_000];
const WITHIN_MS = 60_000;

/** Slower by far than what any system that has been measured accepts in bulk: else moments are past before they are told. */
const ACCEPTED_PER_MS = 1;
const LEAST_LEAD_MS = 5_000;

/** Work 7: how punctual a system is when much is due. */
export const delayedTasks: Work = {
  name: "delayed",
  title: "Delayed tasks",
  description:
    "A single caller submits no-op tasks without reports, 1,000 a call, each with a moment before which it must not start. " +
    "The moments are spread over a minute, which begins when all should have been accepted; a task that is submitted after " +
    "its own is due at once. Late: from its moment until its handler began.",
  cases: ({ tasks = TASKS }) => tasks.map(caseOf),
  figures: (measured) => [...latenessFigures(measured), ...costOf(measured)],
};

function caseOf(tasks: number): Case {
  const load: Load = {
    kind: "delayed",
    tasks,
    leadMs: LEAST_LEAD_MS + tasks / ACCEPTED_PER_MS,
    withinMs: WITHIN_MS,
    task: { reports: 0 },
  };
  return {
    name: `${tasks.toLocaleString("en-US")} tasks within a minute`,
    load,
    untilDone: true,
    needs: ["delay"],
  };
}

function latenessFigures({ lateness, result }: Measured): readonly Figure[] {
  if (!lateness) return [];
  const { start, allEndedMs } = lateness;
  const atOnce = result?.counts["due at once"] ?? 0;
  return [
    { name: "late p50 ms", value: start.p50, better: "less" },
    { name: "late p99 ms", value: start.p99, better: "less" },
    { name: "late max ms", value: start.max, better: "less" },
    { name: "all ended ms after the last moment", value: allEndedMs, better: "less" },
    { name: "due at once", value: atOnce, better: "less" },
  ];
}

/** The rate is that of their moments. */
function costOf(measured: Measured): readonly Figure[] {
  return rateAndCost(measured).filter(({ name }) => name !== "tasks/s");
}
