import type { Load } from "../client/load.ts";
import type { Role } from "../measure/meter.ts";
import { latencyFigures, rateAndCost } from "./figures.ts";
import type { Case, Figure, Measured, Work } from "./work.ts";

const KILLED: readonly Role[] = ["worker", "gateway", "nats-server"];

/** Time enough for any of them to come back. */
const AFTER_MS = 20_000;

/** Work 10: what a killed process costs callers. */
export const recovery: Work = {
  name: "recovery",
  title: "Back after a kill",
  description:
    'As in "run", watched, with four reports. Under load a process is killed with SIGKILL and started again at once. A caller ' +
    "whose call fails asks again every 100 ms, with the id of its task. Back: from the kill until the first second in which " +
    "90 % of the tasks ended that did in a second before. No task ended for: the longest time after the kill.",
  cases: (size, callers) =>
    KILLED.map((role): Case => {
      const load = (forMs: number): Load => ({
        kind: "patient loop",
        callers,
        task: { reports: 4 },
        forMs,
      });
      return {
        name: `${role} killed`,
        warmUp: load(size.warmUpMs),
        load: load(size.measureMs + AFTER_MS),
        kill: { role, afterMs: size.measureMs },
        needs: ["restart"],
      };
    }),
  figures: (measured) => [
    ...recoveryFigures(measured),
    ...rateAndCost(measured),
    ...latencyFigures(measured, "result"),
    ...callersFigures(measured),
  ],
};

function recoveryFigures({ recovery: seen }: Measured): readonly Figure[] {
  if (!seen) return [];
  const { tasksPerSecondBefore, backMs, longestPauseMs } = seen;
  return [
    { name: "tasks/s before", value: tasksPerSecondBefore, better: "more" },
    ...(backMs === undefined ? [] : [{ name: "back ms", value: backMs, better: "less" } as const]),
    { name: "never back", value: backMs === undefined ? 1 : 0, better: "less" },
    { name: "no task ended for ms", value: longestPauseMs, better: "less" },
  ];
}

function callersFigures({ result }: Measured): readonly Figure[] {
  if (!result) return [];
  const { latencies, counts } = result;
  return [
    { name: "result max ms", value: latencies["result"]?.max ?? Number.NaN, better: "less" },
    { name: "asked again", value: counts["asked again"] ?? 0, better: "less" },
  ];
}
