import { sumOfRoles } from "../measure/meter.ts";
import type { Work } from "./work.ts";

/** Work 11: what a system costs that nobody uses. */
export const idleCpu: Work = {
  name: "idle",
  title: "Doing nothing",
  description: "Nobody calls. Of one core, all processes together.",
  cases: () => [{ name: "no calls" }],
  figures: ({ usage }) => [
    {
      name: "CPU % of a core",
      value: (sumOfRoles(usage.cpuMicros) / 1e6 / usage.seconds) * 100,
      better: "less",
    },
  ],
};
