/** The one queue of the benchmark. */
export const QUEUE = "bench";

/** What a job carries. */
export interface JobData {
  readonly reports: number;
  readonly everyMs?: number;
  readonly payload?: string;
}

/** What a handler says while it works. */
export interface Progress {
  readonly current: number;
  readonly madeAtMs: number;
}
