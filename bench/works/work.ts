import type { Load, LoadResult } from "../client/load.ts";
import type { Role, Usage } from "../measure/meter.ts";
import type { Recovery } from "../measure/recovery.ts";
import type { Ability, Setup } from "../systems/system.ts";

/** How long and how often it is measured. */
export interface Size {
  readonly rounds: number;
  readonly warmUpMs: number;
  /** What comes before the first load of a session, besides its own warm-up. */
  readonly firstWarmUpMs: number;
  readonly measureMs: number;
  /** Whether the concurrency of each rival is chosen by trying. */
  readonly tries: boolean;
  /** Watches that are opened at once, where a work is about many. */
  readonly watches: number;
}

/** One way to put load on a system, measured by itself. */
export interface Case {
  readonly name: string;
  /** Not measured; what it submits has ended before the load begins. */
  readonly warmUp?: Load;
  /** A session does not begin with the first warm-up if this is what it begins with: the memory that it leaves would hide growth. */
  readonly fromFreshStart?: boolean;
  /** None: the system is left alone for a while. */
  readonly load?: Load;
  /** Killed so long after the load began, and started again at once. */
  readonly kill?: { readonly role: Role; readonly afterMs: number };
  /** Measured until all that was accepted has ended, rather than until the last answer. */
  readonly untilDone?: boolean;
  /** What a system must have for it. */
  readonly needs?: readonly Ability[];
  /** How the system is started for it; cases of one setup share a start. */
  readonly setup?: Setup;
}

/** What was measured of a case in a round. */
export interface Measured {
  /** None where there was no load. */
  readonly result?: LoadResult;
  /** Where gateways were restarted: from just before that. */
  readonly usage: Usage;
  /** Where a process was killed. */
  readonly recovery?: Recovery;
}

/** A number that a round gives. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly better: "more" | "less";
}

/** Something that users of such a system care about, and how it is measured. */
export interface Work {
  /** As the command line has it. */
  readonly name: string;
  readonly title: string;
  /** What is done and what is counted, for the reader of a report. */
  readonly description: string;
  cases(size: Size, callers: number): readonly Case[];
  figures(measured: Measured): readonly Figure[];
}
