import { nowMs } from "../../clock.ts";

/** The one queue of the benchmark. */
export const QUEUE = "bench";

/** What a job carries. */
export interface JobData {
  readonly reports: number;
  readonly everyMs?: number;
  readonly payload?: string;
  readonly dueAtMs?: number;
}

/** A job as it is added. */
export function jobOf(data: JobData) {
  const job = { name: "noop", data };
  return data.dueAtMs === undefined ? job : { ...job, opts: { delay: delayUntil(data.dueAtMs) } };
}

/** BullMQ counts whole milliseconds, and starts no job early if they are rounded up. */
function delayUntil(dueAtMs: number): number {
  return Math.max(0, Math.ceil(dueAtMs - nowMs()));
}

/** What a handler says while it works. */
export interface Progress {
  readonly current: number;
  readonly madeAtMs: number;
}
