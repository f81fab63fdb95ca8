import { sumOfRoles } from "../measure/meter.ts";
import { latencyFigures } from "./figures.ts";
import type { Case, Figure, Measured, Work } from "./work.ts";

/** Work 4: how fresh what a watcher sees is. */
export const reportToWatcher: Work = {
  name: "reports",
  title: "From a report to its watchers",
  description:
    "Tasks report now and then, and watchers follow them from beside the submit. Counted from the report in the handler to " +
    "the watcher's callback, for reports that were made when all watches were open.",
  cases: () => [
    watched({ tasks: 1, watchers: 1, reports: 40, everyMs: 100 }),
    watched({ tasks: 1, watchers: 100, reports: 40, everyMs: 100 }),
    watched({ tasks: 1, watchers: 1_000, reports: 60, everyMs: 100 }),
    watched({ tasks: 1_000, watchers: 1, reports: 12, everyMs: 500 }),
  ],
  figures: (measured) => [...latencyFigures(measured, "report"), ...costOfTelling(measured)],
};

function costOfTelling({ result, usage }: Measured): readonly Figure[] {
  const told = result?.counts["told"] ?? 0;
  return [
    { name: "CPU µs/report told", value: sumOfRoles(usage.cpuMicros) / told, better: "less" },
  ];
}

interface Watched {
  readonly tasks: number;
  readonly watchers: number;
  readonly reports: number;
  readonly everyMs: number;
}

function watched({ tasks, watchers, reports, everyMs }: Watched): Case {
  return {
    name: `${tasks} ${tasks === 1 ? "task" : "tasks"}, ${watchers} ${watchers === 1 ? "watcher" : "watchers"} each`,
    load: { kind: "fan-out", tasks, watchers, task: { reports, everyMs } },
    needs: ["watch"],
    ...(tasks > 1 && { setup: { slots: tasks } }),
  };
}
