import type { ByRole } from "../measure/meter.ts";
import type { Figure } from "../works/work.ts";

/** Grows when a report's fields change their meaning: reports of different formats can't be compared. */
export const REPORT_FORMAT = 1;

/** One case of one system in one round. */
export interface Sample {
  readonly work: string;
  readonly case: string;
  readonly system: string;
  readonly round: number;
  readonly tasks: number;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** CPU time by role, in microseconds. */
  readonly cpuMicros: ByRole;
  readonly peakBytes: ByRole;
  /** What the broker counted. */
  readonly traffic: Readonly<Record<string, number>>;
  /** The share of the machine's CPU time that went elsewhere. */
  readonly othersShare: number;
}

/** Whether a system did in a round what it had promised. */
export interface Check {
  readonly system: string;
  readonly round: number;
  readonly accepted: number;
  readonly endedOnce: number;
  /** Accepted tasks that had left a full store, as they may once their callers were told the end. */
  readonly forgotten?: number;
  /** What is wrong, in words. */
  readonly wrong?: string;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** The file system that data lies in. */
  readonly disk: string;
}

/** A system, as it was measured. */
export interface SystemFacts {
  readonly name: string;
  readonly description: string;
  readonly durability: string;
  /** The concurrency that it was measured with. */
  readonly choice: string;
  /** What each concurrency gave that was tried, in tasks/s. */
  readonly tried: readonly { readonly choice: string; readonly tasksPerSecond: number }[];
  readonly versions: Readonly<Record<string, string>>;
}

export interface Report {
  readonly format: number;
  readonly beganAt: string;
  readonly commit: string;
  readonly form: string;
  readonly rounds: number;
  readonly callers: number;
  /** Settings of Millrace that are not as they ship. */
  readonly settings: Readonly<Record<string, string>>;
  readonly machine: Machine;
  readonly systems: readonly SystemFacts[];
  /** Systems that were asked for and could not be measured, and why. */
  readonly leftOut: readonly { readonly system: string; readonly why: string }[];
  readonly works: readonly {
    readonly name: string;
    readonly title: string;
    readonly description: string;
  }[];
  readonly samples: readonly Sample[];
  readonly checks: readonly Check[];
}
