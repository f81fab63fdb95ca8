import { latencyFigures, rateAndCost } from "./figures.ts";
import type { Work } from "./work.ts";

const SIZE = 1_000;
const TIMES = 10;

/** Work 6: many tasks in one call. */
export const bulkSubmit: Work = {
  name: "bulk",
  title: "Tasks in bulk",
  description:
    "A single caller submits 1,000 no-op tasks without reports in one call, ten times in a row. The clock stops when all " +
    "have ended.",
  cases: () => {
    const load = (times: number) =>
      ({ kind: "bulk", size: SIZE, times, task: { reports: 0 } }) as const;
    return [
      {
        name: "1,000 a call",
        warmUp: load(1),
        load: load(TIMES),
        untilDone: true,
        needs: ["submitMany"],
      },
    ];
  },
  figures: (measured) => [...rateAndCost(measured), ...latencyFigures(measured, "call accepted")],
};
