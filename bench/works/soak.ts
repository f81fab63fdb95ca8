import { latencyFigures, memoryFigures, rateAndCost } from "./figures.ts";
import { watchedTasks } from "./run-tasks.ts";
import type { Work } from "./work.ts";

const MINUTE_MS = 60_000;

/** Work 13: whether a system stays as it is. */
export const soak: Work = {
  name: "soak",
  title: "Minute by minute",
  description:
    'As in "run", watched, with four reports, for as long as `--seconds` says, on one system that is told of minute by minute. ' +
    "Memory is what each process has at the end of its minute. A task that has left a log which was full counts as ended if " +
    "its caller was told so.",
  cases: (size, callers) =>
    minutesOf(size.measureMs).map((measureMs, index) => ({
      ...watchedTasks({ ...size, measureMs }, callers),
      ...(index > 0 && { warmUp: undefined }),
      name: `minute ${index + 1}`,
      forgets: true,
    })),
  figures: (measured) => [
    ...rateAndCost(measured),
    ...latencyFigures(measured, "result"),
    ...memoryFigures(measured),
  ],
};

/** The last one may be shorter. */
export function minutesOf(wholeMs: number): readonly number[] {
  const count = Math.ceil(wholeMs / MINUTE_MS);
  return Array.from({ length: count }, (_, index) =>
    Math.min(MINUTE_MS, wholeMs - index * MINUTE_MS),
  );
}
