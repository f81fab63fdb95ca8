import { latencyFigures } from "./figures.ts";
import type { Work } from "./work.ts";

const WARM_UPS = 20;
const TASKS = 150;
const PAUSE_MS = 10;

/** Work 3: how long a task takes when nothing else is going on. */
export const idleLatency: Work = {
  name: "latency",
  title: "A task on an idle system",
  description:
    "A single caller runs a no-op task with four reports, pauses for 10 ms, and runs the next. Start: until the handler " +
    "began. Result: until the caller had it.",
  cases: () => {
    const load = (times: number) =>
      ({ kind: "one by one", times, pauseMs: PAUSE_MS, task: { reports: 4 } }) as const;
    return [{ name: "one caller", warmUp: load(WARM_UPS), load: load(TASKS) }];
  },
  figures: (measured) => latencyFigures(measured, "start", "result"),
};
