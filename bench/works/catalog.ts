import { bulkSubmit } from "./bulk-submit.ts";
import { delayedTasks } from "./delayed-tasks.ts";
import { growth } from "./growth.ts";
import { idleCpu } from "./idle-cpu.ts";
import { idleLatency } from "./idle-latency.ts";
import { idleWatches } from "./idle-watches.ts";
import { recovery } from "./recovery.ts";
import { replicas } from "./replicas.ts";
import { reportToWatcher } from "./report-to-watcher.ts";
import { runTasks } from "./run-tasks.ts";
import { scaling } from "./scaling.ts";
import { soak } from "./soak.ts";
import { submitLatency } from "./submit-latency.ts";
import type { Work } from "./work.ts";

/** What the full form measures, in the order of a round. */
export const WORKS_OF_THE_FULL_FORM: readonly [Work, ...Work[]] = [
  idleCpu,
  runTasks,
  submitLatency,
  idleLatency,
  bulkSubmit,
  reportToWatcher,
];

/** All that can be measured. A new work: write its file beside this one, and add it here or above. */
export const WORKS: readonly [Work, ...Work[]] = [
  ...WORKS_OF_THE_FULL_FORM,
  idleWatches,
  delayedTasks,
  growth,
  scaling,
  recovery,
  replicas,
  soak,
];
