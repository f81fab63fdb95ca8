import { bulkSubmit } from "./bulk-submit.ts";
import { idleCpu } from "./idle-cpu.ts";
import { idleLatency } from "./idle-latency.ts";
import { reportToWatcher } from "./report-to-watcher.ts";
import { runTasks } from "./run-tasks.ts";
import { submitLatency } from "./submit-latency.ts";
import type { Work } from "./work.ts";

/** What can be measured, in the order of a round. A new one: write its file beside this one, and add it here. */
export const WORKS: readonly [Work, ...Work[]] = [
  idleCpu,
  runTasks,
  submitLatency,
  idleLatency,
  bulkSubmit,
  reportToWatcher,
];
