import type { Latency } from "../measure/statistics.ts";
import type { TaskWanted } from "./caller.ts";

/** What the client is asked to do with the system. */
export type Load =
  | ({ readonly kind: "closed loop" } & ClosedLoop)
  | ({ readonly kind: "open loop" } & OpenLoop)
  | ({ readonly kind: "one by one" } & OneByOne)
  | ({ readonly kind: "fan-out" } & FanOut)
  | ({ readonly kind: "open watches" } & OpenWatches)
  | ({ readonly kind: "resume watches" } & ResumeWatches)
  | ({ readonly kind: "bulk" } & Bulk)
  | ({ readonly kind: "delayed" } & Delayed)
  | ({ readonly kind: "patient loop" } & PatientLoop);

/** Callers that each ask for the next task when the last one is done. */
export interface ClosedLoop {
  readonly callers: number;
  readonly forMs: number;
  /** Watched: each waits until it is told the end. Else until the task is accepted. */
  readonly watched: boolean;
  /** Task types that callers take in turn, up to `MOST_TASK_TYPES`. None: the one that is always there. */
  readonly types?: number;
  readonly task: TaskWanted;
}

/** Where a system is set up with many task types, it has so many. */
export const MOST_TASK_TYPES = 16;

/** The same, watched and of one task type, by callers that ask again when the system fails them. */
export interface PatientLoop {
  readonly callers: number;
  readonly forMs: number;
  readonly task: TaskWanted;
}

/** Submits that come when they come, whether or not the last one was answered. */
export interface OpenLoop {
  readonly perSecond: number;
  readonly forMs: number;
  readonly task: TaskWanted;
}

/** A single caller, who pauses between tasks: the system is idle when each comes. */
export interface OneByOne {
  readonly times: number;
  readonly pauseMs: number;
  readonly task: TaskWanted;
}

/** Tasks at once, each with so many watchers. */
export interface FanOut {
  readonly tasks: number;
  readonly watchers: number;
  readonly task: TaskWanted;
}

/** Watches of a task that has nothing to tell for as long as it takes to open them. */
export interface OpenWatches {
  readonly watches: number;
  readonly task: TaskWanted;
}

/** The same, until they are open; then the gateways are restarted, and each watch is opened again. */
export type ResumeWatches = OpenWatches;

/** Many tasks in one call, several times in a row. */
export interface Bulk {
  readonly size: number;
  readonly times: number;
  readonly task: TaskWanted;
}

/** Many tasks that are not to start yet, submitted in bulk. */
export interface Delayed {
  readonly tasks: number;
  /** From the first call until the first task is due: time enough to submit all. */
  readonly leadMs: number;
  /** From the first one's moment to the last one's, evenly and in no order. */
  readonly withinMs: number;
  readonly task: TaskWanted;
}

/** What came of it. */
export interface LoadResult {
  /** Tasks that were accepted. */
  readonly tasks: number;
  /** From the first call to the last answer. */
  readonly seconds: number;
  /** By what was waited for, in milliseconds. */
  readonly latencies: Readonly<Record<string, Latency>>;
  /** Plain numbers besides. */
  readonly counts: Readonly<Record<string, number>>;
  /** When each caller was told an end, on the clock of `nowMs`, where they were patient. */
  readonly endedAtMs?: readonly number[];
  /** When each task was due, by its id, where they were delayed. */
  readonly dueAtMs?: ReadonlyMap<string, number>;
}

/** Remembers what was accepted, for the check at the end. */
export type OnAccepted = (id: string) => void;
